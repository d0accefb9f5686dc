exec circusd /srv/app/circus.ini
