"""py-autoreload: a changed module reloads the instance; for those who write one.

Section:  scaling / Scaling; reloads for developers
What:     a thread of the first worker looks every few seconds whether the file of a loaded
          module has changed, and then asks the master for a graceful reload.
Units:    seconds.
Errors:   none; without a master there is nobody to ask, and the thread is not started.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.options import JOIN, Config, Option, number, texts

PY_AUTO_RELOAD = Option(
    "py-auto-reload",
    number,
    default=0,
    help="look every so many seconds whether a module has changed, and reload",
    aliases=("py-autoreload", "python-auto-reload", "python-autoreload"),
    implies=("master",),
)
PY_AUTO_RELOAD_IGNORE: Option[tuple[str, ...]] = Option(
    "py-auto-reload-ignore",
    texts,
    default=(),
    help="a module that may change without consequence",
    aliases=("py-autoreload-ignore",),
    repeat=JOIN,
)

MODIFIED = "[uwsgi-python-reloader] module/file {} has been modified"


class Watched:
    """The files of the modules that are loaded, and how old they were."""

    def __init__(self, ignored: tuple[str, ...]) -> None:
        self._ignored = ignored
        self._seen: dict[str, int] = {}

    def changed(self) -> list[str]:
        """The files of modules that have changed since the last call."""
        found = []
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if not isinstance(path, str) or name in self._ignored:
                continue
            try:
                now = os.stat(path).st_mtime_ns
            except OSError:
                continue  # part of an archive, or being replaced at this moment
            if self._seen.setdefault(path, now) != now:
                self._seen[path] = now
                found.append(path)
        return found


def start(config: Config, number: int, master: Callable[[], int]) -> None:
    """Begin to look, in the first worker, if the operator wants it."""
    every = config[PY_AUTO_RELOAD]
    if not every or number != 1 or not master():
        return
    watched = Watched(config[PY_AUTO_RELOAD_IGNORE])
    watched.changed()

    def look() -> None:
        while True:
            time.sleep(every)
            paths = watched.changed()
            for path in paths:
                log.line(MODIFIED.format(path))
            if paths:
                os.kill(master(), signal.SIGHUP)

    threading.Thread(target=look, name="py-autoreload", daemon=True).start()
