"""Other servers in the same experiment: those that are installed here.

Section: ground / the command; the peers of lab
What: the set-ups of refuwsgi once more with a C uWSGI, and servers that are written in Python, each
      with one process and, where it has them, one thread.
Units: none.
Errors: none; who is not installed is not there.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from refuwsgi.commands.lab_setups import SETUPS, Setup

READY: Final = re.compile(
    r"^spawned uWSGI (worker|http|fastrouter) 1 |Serving on|Listening at|^cheroot serves", re.M
)
CHEROOT: Final = (
    "from cheroot.wsgi import Server; from app import application; "
    "server = Server(('127.0.0.1', PORT), application, numthreads=1, max=1); "
    "server.prepare(); print('cheroot serves', flush=True); server.serve()"
)
PYTHON: Final = {
    "waitress, 1 thread": "-m waitress --listen=127.0.0.1:PORT --threads=1 app:application",
    "gunicorn sync": "-m gunicorn -b 127.0.0.1:PORT --timeout 600 app:application",
    "gunicorn gthread, 1 thread": (
        "-m gunicorn -k gthread --threads 1 -b 127.0.0.1:PORT --timeout 600 app:application"
    ),
    "cheroot, 1 thread": f'-c "{CHEROOT}"',
}


def peers() -> Iterator[Setup]:
    """All that are here; the C uWSGI is $ORIGINAL_UWSGI, or what the PATH has."""
    uwsgi = os.environ.get("ORIGINAL_UWSGI") or shutil.which("uwsgi")
    if uwsgi is not None:
        for row in SETUPS:
            yield row._replace(name=f"uwsgi:{row.name}", server="uwsgi", program=(uwsgi,))
    for what, words in PYTHON.items():
        name = what.partition(",")[0]
        server = name.partition(" ")[0]
        if find_spec(server) is not None:
            yield Setup(
                name.replace(" ", ":"),
                what.removeprefix(f"{server} ").removeprefix(f"{server}, "),
                "",
                server=server,
                program=(sys.executable,),
                words=words,
                lacks=("static",),
            )


def version_of(row: Setup) -> str:
    """The version of a row's server."""
    if row.server == "refuwsgi":
        from refuwsgi import __version__

        return __version__
    if row.server == "uwsgi":
        import subprocess

        asked = subprocess.run([*row.program, "--version"], capture_output=True, check=False)
        return asked.stdout.decode().strip()
    from importlib.metadata import version

    return version(row.server)
