"""A reload: the same process, the files as they are now, the sockets still open.

Section:  ground / reload
What:     first the new configuration and the application are tried in a process of their own;
          only if they load does the old generation go.  Then the master replaces its own
          program by exec: same pid, same listening sockets, everything else anew.
Units:    timeouts are seconds.
Errors:   what does not load is reported with its own words, and the old generation goes on.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.processes import ended
from refuwsgi.sockets import Listener, export

if TYPE_CHECKING:
    import subprocess

TRYING = "REFUWSGI_TRYING"  # in the environment: load everything, bind nothing, say how it went
AGAIN = "UWSGI_RELOADS"  # in the environment: how many generations there were before this one
LEFT = "REFUWSGI_LEFT"  # in the environment: routers that the generation before has left behind

REFUSED = "the new configuration does not load, the old one goes on:"
RELOADING = "binary reloading uWSGI..."


def command() -> list[str]:
    """The command line that makes another instance like this one."""
    return [sys.executable, *sys.orig_argv[1:]]


def generation() -> int:
    """How many generations of this instance there were before."""
    found = os.environ.get(AGAIN, "0")
    return int(found) if found.isdigit() else 0


def give_up() -> None:
    """End the trial that goes on, if one does: there will be no such reload."""
    for child in _trials:
        child.kill()
        child.wait()


_trials: list[subprocess.Popen[bytes]] = []


async def sound(directory: str) -> bool:
    """Try the new configuration and application in `directory`; say whether they load."""
    # Departure: uWSGI gives up the old generation first, and a typing error ends the site.
    import subprocess
    import tempfile

    argv = command()
    if "-" in argv or any(word.startswith(("fd://", "emperor://")) for word in argv):
        return True  # what was read once cannot be read again
    with tempfile.TemporaryFile() as words:
        environ = {**os.environ, TRYING: "1"}
        child = subprocess.Popen(
            argv,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=environ,
        )
        _trials.append(child)
        await ended(child.pid)
        _trials.remove(child)
        if child.wait() == 0:
            return True
        if child.returncode == -signal.SIGINT:
            return False  # a Ctrl-C, which ends us, too
        words.seek(0)
        log.line(REFUSED)
        for line in words.read(65536).decode(errors="replace").splitlines()[-20:]:
            log.line(f"  {line}")
    return False


def left() -> list[int]:
    """The children of the generation before that have still something to finish."""
    return [int(pid) for pid in os.environ.pop(LEFT, "").split() if pid.isdigit()]


def execute(listeners: list[Listener], directory: str, children: list[int]) -> None:
    """Become the next generation, which gets these children; does not return."""
    log.line(RELOADING)
    log.line(f"chdir() to {directory}")
    os.chdir(directory)
    os.environ.update(export(listeners))
    os.environ[LEFT] = " ".join(map(str, children))
    os.environ[AGAIN] = str(generation() + 1)
    argv = command()
    log.line(f"running {argv[0]}")
    sys.stdout.flush()
    os.execv(argv[0], argv)  # noqa: S606
