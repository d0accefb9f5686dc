"""Which module declares which options: `python -m tests.house.declared` writes this table.

Section: ground / options; the catalogue
What: an option is declared in the module that obeys it, and nowhere else.  This says only where
      that is, so that a start need not import the whole package, or search its text, for the few
      options that a configuration sets.  A test holds it to the declarations.
Units: the names of one module's options, separated by spaces.
"""

MODULES = {
    "refuwsgi.cache.options": (
        "add-cache-item cache cache-blocksize cache-expire-freq cache-no-expire "
        "cache-report-freed-items cache-store cache-store-sync cache-use-last-modified cache2 "
        "load-file-in-cache load-file-in-cache-gzip"
    ),
    "refuwsgi.cache.replicas": "cache-udp-node cache-udp-server",
    "refuwsgi.cache.stages": "check-cache",
    "refuwsgi.cli": "exit get help iprint print show-config strict usage version",
    "refuwsgi.fastrouter.balancing": "subscription-algo",
    "refuwsgi.fastrouter.cheap_mode": "fastrouter-cheap",
    "refuwsgi.fastrouter.getting_started": (
        "fastrouter fastrouter-buffer-size fastrouter-processes fastrouter-subscription-slot "
        "fastrouter-workers force-gateway"
    ),
    "refuwsgi.fastrouter.notes": "fastrouter-events fastrouter-timeout",
    "refuwsgi.fastrouter.post_buffering": "fastrouter-post-buffering fastrouter-post-buffering-dir",
    "refuwsgi.fastrouter.resubscribe": "fastrouter-resubscribe fastrouter-resubscribe-bind",
    "refuwsgi.fastrouter.router_process": (
        "fastrouter-errors fastrouter-gid fastrouter-harakiri fastrouter-quiet fastrouter-uid"
    ),
    "refuwsgi.fastrouter.router_stats": "fastrouter-ss fastrouter-stats fastrouter-stats-server",
    "refuwsgi.fastrouter.sign_check": (
        "subscriptions-credentials-check subscriptions-sign-check "
        "subscriptions-sign-check-tolerance subscriptions-sign-skip-uid "
        "subscriptions-use-credentials"
    ),
    "refuwsgi.fastrouter.static_nodes": (
        "fastrouter-fallback fastrouter-fallback-on-no-key fastrouter-gracetime fastrouter-to "
        "fastrouter-use-socket"
    ),
    "refuwsgi.fastrouter.subscribe_options": (
        "auto-weight notify-socket st start-unsubscribed subscribe subscribe-freq subscribe-to "
        "subscribe-with-modifier1 subscribe2 subscription-notify-socket "
        "unsubscribe-on-graceful-reload weight"
    ),
    "refuwsgi.fastrouter.way1_use_base": "fastrouter-use-base",
    "refuwsgi.fastrouter.way2_use_pattern": "fastrouter-use-pattern",
    "refuwsgi.fastrouter.way3_use_cache": "fastrouter-use-cache",
    "refuwsgi.fastrouter.way4_subscription_server": (
        "fastrouter-subscription-fallback-key fastrouter-subscription-server "
        "subscription-dotsplit subscription-mountpoint subscription-mountpoints "
        "subscription-tolerance"
    ),
    "refuwsgi.fastrouter.way5_use_code_string": "fastrouter-use-code-string",
    "refuwsgi.hooks": (
        "exec-as-root exec-as-user exec-as-user-atexit exec-asap exec-in-jail exec-post-app "
        "exec-post-jail exec-pre-app exec-pre-jail hook-accepting hook-accepting1 hook-as-root "
        "hook-as-user hook-as-user-atexit hook-asap hook-in-jail hook-post-app hook-post-fork "
        "hook-post-jail hook-pre-app hook-pre-jail"
    ),
    "refuwsgi.ini": (
        "config include inherit ini js json set set-ph set-placeholder toml xml xmlconfig yaml yml"
    ),
    "refuwsgi.ini_logic": (
        "end end-for end-if endfor endif for for-glob for-readline for-times if-dir if-directory "
        "if-env if-exists if-file if-hostname if-hostname-match if-not-dir if-not-env "
        "if-not-exists if-not-file if-not-hostname if-not-hostname-match if-not-opt if-not-plugin "
        "if-not-reload if-opt if-plugin if-reload ifdir ifenv ifexists ifplugin"
    ),
    "refuwsgi.log": (
        "log-date log-master log-reopen log-truncate logdate logger logger-req logto logto2 "
        "req-logger touch-logreopen touch-logrotate"
    ),
    "refuwsgi.log_format": "log-format log-format-strftime logformat logformat-strftime",
    "refuwsgi.log_master": (
        "log-master-bufsize log-master-req-stream log-master-stream threaded-log threaded-logger"
    ),
    "refuwsgi.log_rules": (
        "log-backupname log-drain log-encoder log-filter log-maxsize log-req-encoder "
        "log-req-route log-route"
    ),
    "refuwsgi.metrics": "enable-metrics metric metrics-no-cores",
    "refuwsgi.metrics_files": "metric-dir metrics-dir",
    "refuwsgi.offloading.mime": "mime-file mimefile",
    "refuwsgi.offloading.static_answer": "file-serve-mode fileserve-mode static-etag",
    "refuwsgi.offloading.static_expires": (
        "static-expires static-expires-mtime static-expires-path-info "
        "static-expires-path-info-mtime static-expires-type static-expires-type-mtime "
        "static-expires-uri static-expires-uri-mtime"
    ),
    "refuwsgi.offloading.static_files": (
        "check-static check-static-docroot static-cache-paths static-cache-paths-name "
        "static-check static-index static-map static-map2 static-safe static-skip-ext"
    ),
    "refuwsgi.offloading.static_ranges": "honour-range",
    "refuwsgi.offloading.static_twins": (
        "static-gzip static-gzip-all static-gzip-dir static-gzip-ext static-gzip-prefix "
        "static-gzip-suffix"
    ),
    "refuwsgi.offloading.threads": (
        "offload-idle-timeout offload-limit offload-thread offload-threads offload-timeout "
        "offload-trace"
    ),
    "refuwsgi.passing": "no-fd-passing",
    "refuwsgi.pidfiles": (
        "daemonize daemonize2 pidfile pidfile2 reload safe-pidfile safe-pidfile2 stop"
    ),
    "refuwsgi.privileges": "add-gid gid uid",
    "refuwsgi.processes": (
        "auto-procname procname procname-append procname-master procname-prefix "
        "procname-prefix-spaced"
    ),
    "refuwsgi.protocol.http": "max-vars",
    "refuwsgi.protocol.uwsgi": "buffer-size",
    "refuwsgi.request_log": (
        "disable-logging log-4xx log-5xx log-big log-micros log-slow log-x-forwarded-for log-xff "
        "log-zero memory-report"
    ),
    "refuwsgi.routing.options": (
        "collect-header error-route error-route-host error-route-if error-route-if-not "
        "error-route-label error-route-qs error-route-referer error-route-remote-addr "
        "error-route-remote-user error-route-run error-route-status error-route-uri "
        "error-route-user-agent final-route final-route-host final-route-if final-route-if-not "
        "final-route-label final-route-qs final-route-referer final-route-remote-addr "
        "final-route-remote-user final-route-run final-route-status final-route-uri "
        "final-route-user-agent pull-header response-header-collect response-route "
        "response-route-host response-route-if response-route-if-not response-route-label "
        "response-route-qs response-route-referer response-route-remote-addr "
        "response-route-remote-user response-route-run response-route-status response-route-uri "
        "response-route-user-agent route route-host route-if route-if-not route-label route-qs "
        "route-referer route-remote-addr route-remote-user route-run route-uri route-user-agent"
    ),
    "refuwsgi.scaling.cheaper_options": (
        "cheaper cheaper-algo cheaper-algo-list cheaper-algorithm cheaper-algos-list "
        "cheaper-busyness-backlog-alert cheaper-busyness-backlog-multiplier "
        "cheaper-busyness-backlog-nonzero cheaper-busyness-backlog-step cheaper-busyness-max "
        "cheaper-busyness-min cheaper-busyness-multiplier cheaper-busyness-penalty "
        "cheaper-busyness-verbose cheaper-idle cheaper-initial cheaper-list cheaper-overload "
        "cheaper-rss-limit-hard cheaper-rss-limit-soft cheaper-step"
    ),
    "refuwsgi.scaling.cores": "enable-threads threads",
    "refuwsgi.scaling.daemons": "attach-daemon",
    "refuwsgi.scaling.harakiri": (
        "harakiri harakiri-graceful-signal harakiri-graceful-timeout harakiri-verbose"
    ),
    "refuwsgi.scaling.http_nodes": "http-fallback http-gracetime http-to http-use-socket",
    "refuwsgi.scaling.http_options": (
        "http-auto-chunked http-auto-gzip http-buffer-size http-chunked-input "
        "http-connect-timeout http-enable-proxy-protocol http-events http-gid http-harakiri "
        "http-headers-timeout http-keepalive http-manage-expect http-modifier1 http-modifier2 "
        "http-quiet http-raw-body http-server-name-as-http-host http-ss http-stats "
        "http-stats-server http-timeout http-uid http-var http-websockets"
    ),
    "refuwsgi.scaling.http_processes": "http-processes http-workers",
    "refuwsgi.scaling.http_router": "http httprouter",
    "refuwsgi.scaling.http_socket": "http-socket http11-socket",
    "refuwsgi.scaling.https": "http-to-https https",
    "refuwsgi.scaling.https_socket": "https-socket",
    "refuwsgi.scaling.limits": (
        "evil-reload-on-as evil-reload-on-rss max-requests max-requests-delta max-worker-lifetime "
        "max-worker-lifetime-delta min-worker-lifetime reload-on-as reload-on-rss"
    ),
    "refuwsgi.scaling.lives": "forkbomb-delay",
    "refuwsgi.scaling.master": "master",
    "refuwsgi.scaling.master_fifo": "master-fifo",
    "refuwsgi.scaling.orders": "die-on-term exit-on-reload hook-master-start",
    "refuwsgi.scaling.py_autoreload": (
        "py-auto-reload py-auto-reload-ignore py-autoreload py-autoreload-ignore "
        "python-auto-reload python-autoreload"
    ),
    "refuwsgi.scaling.touches": "fs-reload touch-chain-reload touch-reload touch-workers-reload",
    "refuwsgi.scaling.uwsgi_socket": "protocol socket socket-protocol uwsgi-socket",
    "refuwsgi.scaling.workers": "no-orphans processes worker-reload-mercy workers",
    "refuwsgi.server.instance": "single-interpreter vacuum",
    "refuwsgi.server.module": "locks",
    "refuwsgi.server.service": "add-header del-header lazy lazy-apps need-app rem-header",
    "refuwsgi.server.surroundings": "chdir chdir2 umask",
    "refuwsgi.server.tracing": "trace",
    "refuwsgi.sockets": (
        "chmod chmod-socket chown-socket freebind listen no-defer-accept reuse-port shared-socket "
        "skip-zero so-keepalive socket-rcvbuf socket-sndbuf socket-timeout tcp-nodelay "
        "undeferred-shared-socket"
    ),
    "refuwsgi.stats": (
        "stats stats-http stats-min stats-minified stats-no-cores stats-no-metrics stats-server"
    ),
    "refuwsgi.stats_client": "connect-and-read",
    "refuwsgi.vassals.announce": "emperor-announce",
    "refuwsgi.vassals.emperor": (
        "emperor emperor-broodlord emperor-curse-tolerance emperor-freq emperor-graceful-shutdown "
        "emperor-pidfile emperor-required-heartbeat imperial-monitor-list imperial-monitors-list"
    ),
    "refuwsgi.vassals.emperor_pipe": "heartbeat",
    "refuwsgi.vassals.emperor_stats": "emperor-stats emperor-stats-server",
    "refuwsgi.vassals.hooks": "vassals-start-hook vassals-stop-hook",
    "refuwsgi.vassals.idle": "cheap die-on-idle idle",
    "refuwsgi.vassals.monitors.monitor": (
        "emperor-extra-ext emperor-extra-extension emperor-nofollow"
    ),
    "refuwsgi.vassals.on_demand_directory": "emperor-on-demand-dir emperor-on-demand-directory",
    "refuwsgi.vassals.on_demand_exec": "emperor-on-demand-exec",
    "refuwsgi.vassals.on_demand_extension": "emperor-on-demand-ext emperor-on-demand-extension",
    "refuwsgi.vassals.spawn": (
        "emperor-wrapper vassal-set vassals-include vassals-include-before vassals-inherit "
        "vassals-inherit-before vassals-set"
    ),
    "refuwsgi.vassals.throttle": "emperor-max-throttle emperor-no-blacklist emperor-throttle",
    "refuwsgi.vassals.tyrant": "emperor-tyrant emperor-tyrant-nofollow",
    "refuwsgi.wsgi.body": "limit-post post-buffering",
    "refuwsgi.wsgi.interpreter": (
        "env home import pp py-import pyargv pyhome pyimport python-import python-path pythonpath "
        "shared-import shared-py-import shared-pyimport shared-python-import unenv venv "
        "virtualenv"
    ),
    "refuwsgi.wsgi.loading": (
        "callable file manage-script-name module mount no-default-app wsgi wsgi-file"
    ),
    "refuwsgi.wsgi.serving": (
        "catch-exceptions ignore-write-errors reload-on-exception wsgi-accept-buffer "
        "wsgi-accept-buffers wsgi-disable-file-wrapper wsgi-strict"
    ),
}
