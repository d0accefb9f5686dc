"""The examples of the document about on-demand vassals.

Section: ground / the command; the examples about vassals
What: a table; see the shape of an example.  The monitors that ask PostgreSQL, MongoDB and ZeroMQ
      need these servers and are not among them.
"""

from typing import Final

from refuwsgi.commands.example_text import APP, Example, Try

VASSAL: Final = "[uwsgi]\nchdir = DIR\nwsgi-file = app.py\nmaster = true\n"
WAITING: Final = Try("grep 'on demand' emperor.log", "waiting for connections")
WATCH: Final = "nothing runs before the first request: refuwsgi top DIR/stats.sock"
EMPEROR: Final = "--emperor DIR/vassals --emperor-freq 1 --emperor-stats DIR/stats.sock"
SOCKET_NAME: Final = """#!/bin/sh
# The emperor gives the path of the vassal; what is printed is its socket.
echo "DIR/$(basename "$1" .ini).wake"
"""

EXAMPLES: Final = (
    Example(
        name="vassals/extension",
        section="vassals / --emperor-on-demand-extension <ext>",
        what="A file beside the vassal names the socket that wakes it.",
        files={
            "app.py": APP,
            "vassals/myapp.ini": VASSAL,
            "vassals/myapp.ini.socket": "127.0.0.1:PORT\n",
        },
        servers={"emperor": f"{EMPEROR} --emperor-on-demand-extension .socket"},
        tries=(WAITING, Try("refuwsgi ask 127.0.0.1:PORT /wake", "answers .* /wake")),
        watch=WATCH,
    ),
    Example(
        name="vassals/directory",
        section="vassals / --emperor-on-demand-directory <dir>",
        what="The name of the vassal is the name of its socket.",
        files={"app.py": APP, "vassals/myapp.ini": VASSAL, "sockets/README": "see myapp.socket\n"},
        servers={"emperor": f"{EMPEROR} --emperor-on-demand-directory DIR/sockets"},
        tries=(WAITING, Try("refuwsgi ask DIR/sockets/myapp.socket /wake", "answers .* /wake")),
        watch=WATCH,
    ),
    Example(
        name="vassals/exec",
        section="vassals / --emperor-on-demand-exec <cmd>",
        what="A command prints the socket of each vassal.",
        files={"app.py": APP, "vassals/myapp.ini": VASSAL, "name.sh": SOCKET_NAME},
        servers={"emperor": f"{EMPEROR} --emperor-on-demand-exec DIR/name.sh"},
        tries=(WAITING, Try("refuwsgi ask DIR/myapp.wake /wake", "answers .* /wake")),
        watch=WATCH,
    ),
    Example(
        name="vassals/idle",
        section="vassals / Combining on demand vassals with --idle and --die-on-idle",
        what="The vassal ends when nobody wants it, and the next request wakes it again.",
        files={
            "app.py": APP,
            "vassals/myapp.ini": f"{VASSAL}idle = 1\ndie-on-idle = true\n",
            "vassals/myapp.ini.socket": "127.0.0.1:PORT\n",
        },
        servers={"emperor": f"{EMPEROR} --emperor-on-demand-extension .socket"},
        tries=(
            WAITING,
            Try("refuwsgi ask 127.0.0.1:PORT /first", "answers .* /first"),
            Try("grep 'back to' emperor.log", "back to"),
            Try("refuwsgi ask 127.0.0.1:PORT /second", "answers .* /second"),
        ),
        watch=WATCH,
    ),
)
