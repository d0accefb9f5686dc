exec xinetd -dontfork -f /srv/app/xinetd.conf -pidfile /srv/app/xinetd.pid
