"""The options of uWSGI that must not be ignored, and why.

Section: ground / options; what is refused
What: a name, or its beginning with a `*`, under the reason that is shown.  An option that a module
      declares is obeyed whatever stands here.  All other names of uWSGI are accepted without
      effect, among them all that were found in real files: a start that says what it ignores is
      more use than none, but not where security, data or the whole purpose would be lost.
"""

REFUSED = {
    "the process would not be confined as it asks": """
        chroot pivot-root pivot_root namespace namespace-keep-mount namespace-net ns ns-net unshare
        unshare2 setns setns-* jailed refork* re-fork* immediate-uid immediate-gid add-gid
        no-initgroups drop-after-* allowed-modifiers cgroup-opt cgroup-dir-mode emperor-cap
        vassal-cap vassals-cap subscriptions-credentials-check limit-nproc
    """,
    "this protocol is not spoken here": """
        suwsgi-socket ssl-socket https-socket-modifier1 https-socket-modifier2
        fastcgi-* scgi-* raw-* puwsgi-socket udp cache-udp-* snmp snmp-community multicast*
        https2 sslrouter* rawrouter* https-export-cert https-session-context sni sni-* ssl-enable*
        ssl-option ssl-verify-depth
    """,
    "the command would not be run": """
        exec-* call-* mount-* umount-* hook-* after-request-* worker-exec worker-exec2
        attach-daemon2 attach-control-daemon smart-attach-* legion-attach-daemon
        legion-smart-attach-* touch-exec symcall symcall-*
        dlopen unique-legion-cron unique-cron-legion legion-cron cron-legion timer signal-timer
        rbtimer signal-rbtimer touch-signal fs-signal
    """,
    "two instances would run where one is meant to": """
        legion legion-* flock flock-wait flock2 flock-wait2
    """,
    "sockets are not taken from a zerg server here": """
        zerg zerg-* zergpool fastrouter-zerg http-zerg map-socket
    """,
    "only WSGI applications are served here": """
        pecan paste paste-logger web3 pump wsgi-lite python-raw python-worker-override eval
    """,
    "it asks for something else than a server": """
        test pyshell pyshell-oneshot py pyrun python command-mode no-server ping ping-timeout nagios
        signal connect-and-read extract cflags dot-h config-py build-plugin print-sym print-symbol
        python-version dump-options binary-append-data *-binary-patch *-binary-patch-arg
        stop reload pause suspend resume
        imperial-monitor-list imperial-monitors-list logger-list loggers-list alarm-list alarms-list
        cheaper-algo-list cheaper-algos-list cheaper-list router-list routers-list clock-list
        clocks-list loop-list loops-list plugin-list plugins-list
    """,
    "its names would be read as something else": """
        declare-option declare-option2 blacklist end-blacklist whitelist end-whitelist resolve
        inject-before inject-after autoload remap-modifier
    """,
    "the start would not wait for it": "wait-for-* wait-interface* wait-iface*",
    "data would be lost": "cache-store cache-store-sync queue queue-* sharedarea file-write",
    "the instance would not end where it is meant to": """
        check-mountpoint mountpoint-check check-mount mount-check brutal-reload-on-fd reload-on-fd
        exception-handler
    """,
    "the application would not find what it is promised": "worker-mount unenv early-envdir envdir",
}
