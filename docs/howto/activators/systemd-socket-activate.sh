exec systemd-socket-activate -l 127.0.0.1:8000 refuwsgi --ini /srv/app/app.ini
