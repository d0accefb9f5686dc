exec refuwsgi --emperor /srv/app/app.ini --emperor-on-demand-extension .socket
