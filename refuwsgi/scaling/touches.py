"""touch-reload and its kin: an order is given by touching a file.

Section:  scaling / Scaling; orders by touching files
What:     once a cycle the master looks whether one of the files has changed since the last time.

              touch-reload           as SIGHUP
              touch-workers-reload   the workers only
              touch-chain-reload     one worker after the other
              touch-logreopen        open the log file anew
              touch-logrotate        put the log file aside and begin another
              fs-reload              as touch-reload, for whatever happens to a file or directory

Units:    none.
Errors:   a file that is not there yet gives its order when it appears.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.options import JOIN, Config, Option, texts
from refuwsgi.scaling import chain_reload, orders

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

TOUCH_RELOAD: Option[tuple[str, ...]] = Option(
    "touch-reload",
    texts,
    default=(),
    help="reload when this file is touched",
    repeat=JOIN,
    implies=("master",),
)
TOUCH_WORKERS_RELOAD: Option[tuple[str, ...]] = Option(
    "touch-workers-reload",
    texts,
    default=(),
    help="replace the workers when this file is touched",
    repeat=JOIN,
    implies=("master",),
)
TOUCH_CHAIN_RELOAD: Option[tuple[str, ...]] = Option(
    "touch-chain-reload",
    texts,
    default=(),
    help="replace the workers one after the other when this file is touched",
    repeat=JOIN,
    implies=("master",),
)
FS_RELOAD: Option[tuple[str, ...]] = Option(
    "fs-reload",
    texts,
    default=(),
    help="reload when this file or directory changes",
    repeat=JOIN,
    implies=("master",),
)

NOT_THERE = "unable to stat() {}, events will be triggered as soon as the file is created"
TOUCHED = "*** {} has been touched... {} ***"


KINDS: tuple[tuple[Option[tuple[str, ...]], str, Callable[[Master], None]], ...] = (
    (TOUCH_RELOAD, "grace them all !!!", orders.reload_gracefully),
    (FS_RELOAD, "grace them all !!!", orders.reload_gracefully),
    (TOUCH_WORKERS_RELOAD, "workers reload !!!", orders.renew_workers),
    (TOUCH_CHAIN_RELOAD, "chain reload !!!", chain_reload.start),
    (log.TOUCH_LOGREOPEN, "reopening the log", orders.reopen_log),
    (log.TOUCH_LOGROTATE, "rotating the log", orders.rotate_log),
)


class Touches:
    """Files that give an order by being touched."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._seen = {path: _changed(path) for path in paths}

    def touched(self) -> str | None:
        """Name a file that was touched since the last call."""
        for path, before in self._seen.items():
            now = _changed(path)
            if now != before:
                self._seen[path] = now
                if now:
                    return path
        return None


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0  # not there yet: it will be new when it comes


class Touched:
    """Files of one kind, and the order that they give."""

    def __init__(self, paths: tuple[str, ...], words: str, order: Callable[[Master], None]) -> None:
        self._touches = Touches(paths)
        self._words = words
        self._order = order
        for path in paths:
            if not os.path.exists(path):
                log.line(NOT_THERE.format(path))

    def look(self, master: Master) -> None:
        """Give the order if a file has been touched; called once a cycle."""
        path = self._touches.touched()
        if path is not None:
            log.line(TOUCHED.format(path, self._words))
            self._order(master)


def configured(config: Config) -> list[Touched]:
    """Build one for each kind that the configuration has."""
    return [
        Touched(config[option], words, order) for option, words, order in KINDS if config[option]
    ]
