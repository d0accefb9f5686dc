"""The examples of the document about on-demand vassals.

Section: ground / the command; the examples about vassals
What: a table; see the shape of an example.  The monitors that ask a database need one; here ten
      lines stand in for the driver of PostgreSQL and read a file, the monitor is the real one.
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
DRIVER: Final = '''"""Stands in for the driver of PostgreSQL: the table is the file vassals.csv."""

import csv


class Error(Exception):
    pass


class Connection:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self, query):
        return self

    def fetchall(self):
        with open("DIR/vassals.csv", newline="") as file:
            return list(csv.reader(file))


def connect(parameters, **_):
    return Connection()
'''
TABLE: Final = """myapp.ini,"[uwsgi]
chdir = DIR
wsgi-file = app.py
master = true
",1700000000,,,127.0.0.1:PORT
"""
QUERY: Final = "SELECT name,config,ts,uid,gid,socket FROM vassals"

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
        also=("vassals / On demand vassals (socket activation)",),
    ),
    Example(
        name="vassals/directory",
        section="vassals / --emperor-on-demand-directory <dir>",
        what="The name of the vassal is the name of its socket.",
        files={"app.py": APP, "vassals/myapp.ini": VASSAL, "sockets/README": "see myapp.socket\n"},
        servers={"emperor": f"{EMPEROR} --emperor-on-demand-directory DIR/sockets"},
        tries=(WAITING, Try("refuwsgi ask DIR/sockets/myapp.socket /wake", "answers .* /wake")),
        watch=WATCH,
        also=("vassals / On demand vassals with filesystem-based imperial monitors",),
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
        name="vassals/table",
        section="vassals / Using on demand vassals with other imperial monitors",
        what="A row of a table is a vassal, its 6th field the socket; a file plays the database.",
        files={"app.py": APP, "psycopg.py": DRIVER, "vassals.csv": TABLE},
        servers={
            "emperor": f"--emperor 'pg://host=127.0.0.1;{QUERY}' --emperor-freq 1"
            " --emperor-stats DIR/stats.sock"
        },
        tries=(WAITING, Try("refuwsgi ask 127.0.0.1:PORT /wake", "answers .* /wake")),
        watch=f"{WATCH}\nchange a number in vassals.csv: the vassal is reloaded within a second",
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
