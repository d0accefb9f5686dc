"""Upkeep: what a master looks after besides the deaths of its children.

Section:  scaling / Scaling; what the master looks after
What:     asks each part whether the configuration wants it, and joins it to the master: as a
          look once a cycle, or as a task of its own.
Units:    none.
Errors:   `OptionError` from the parts.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from refuwsgi.options import Config
from refuwsgi.request import Request
from refuwsgi.request_log import MEMORY_REPORT
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    from refuwsgi.scaling.cheaper import Cheaper
    from refuwsgi.scaling.master import Master
    from refuwsgi.scaling.master_fifo import Fifos

LEFT_MERCY = 2.0  # seconds that a router has for its end

# The parts are imported where they are wanted: most servers have few of them.


def join(
    master: Master, config: Config, doors: Sequence[Listener], adaptive: Cheaper | None
) -> None:
    """Give a master what it shall look after."""
    if config.asks_for("harakiri", "t", "route"):
        from refuwsgi.scaling import harakiri
        from refuwsgi.wsgi.body import POST_BUFFERING

        minder = harakiri.configured(config, buffered=bool(config[POST_BUFFERING]))
        if minder is not None:
            master.watched = True
            master.tasks.append(minder.run(master))
    if config[MEMORY_REPORT] or config.asks_for("max-worker", "evil-"):
        from refuwsgi.scaling import limits

        limit = limits.for_master(config, report=config[MEMORY_REPORT])
        if limit is not None:
            master.cycle.append(limit.look)
    if config.asks_for("touch-", "fs-"):
        from refuwsgi.scaling import touches

        master.cycle += [touched.look for touched in touches.configured(config)]
    if config.asks_for("master-fifo"):
        from refuwsgi.scaling import master_fifo

        fifos = master_fifo.configured(config)
        if fifos is not None:
            _complete(fifos, doors, adaptive)
            master.tasks.append(fifos.run(master))
    if config.asks_for("attach-daemon"):
        from refuwsgi.scaling import daemons

        daemons.join(master, config)
    if master.left:
        master.cycle.append(_bury_the_left)


def in_worker(config: Config, board: Scoreboard, number: int) -> list[Callable[[Request], None]]:
    """Begin what a worker does besides requests; return what it calls after each of them."""
    if config.asks_for("harakiri"):
        from refuwsgi.scaling import harakiri

        harakiri.traceable(config)
    if config.asks_for("py-auto", "python-auto"):
        from refuwsgi.scaling import py_autoreload

        py_autoreload.start(config, number, lambda: board.instance.master)
    if config[MEMORY_REPORT] or config.asks_for("max-requests", "R", "reload-on-"):
        from refuwsgi.scaling import limits

        limit = limits.for_worker(config, board, number, report=config[MEMORY_REPORT])
        if limit is not None:
            return [limit.after]
    return []


def seconds(config: Config) -> int:
    """How long a request may take; 0 when it may take for ever."""
    if not config.asks_for("harakiri", "t"):
        return 0
    from refuwsgi.scaling.harakiri import HARAKIRI

    return config[HARAKIRI]


def check(config: Config) -> None:
    """Refuse what makes no sense, before any process starts."""
    if config.asks_for("max-worker", "min-worker"):
        from refuwsgi.scaling import limits

        limits.check(config)
    if config.asks_for("cheaper"):
        from refuwsgi.scaling import cheaper

        cheaper.check(config)


def _complete(fifos: Fifos, doors: Sequence[Listener], adaptive: Cheaper | None) -> None:
    """Give the letters a meaning that other parts have."""
    from refuwsgi.scaling import sleeping

    def go_cheap(master: Master) -> None:
        if not (master.asleep or master.ending):
            master.loop.spawn(sleeping.sleep_until_called(master, doors))

    fifos.letters["C"] = go_cheap
    if adaptive is not None:
        fifos.letters["+"] = adaptive.one_more
        fifos.letters["-"] = adaptive.one_less


def _bury_the_left(master: Master) -> None:
    """Reap the routers of the generation before that have served their last client."""
    for pid in list(master.left):
        try:
            gone = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            gone = True
        if gone:
            master.left.remove(pid)


def end_the_left(pids: Sequence[int]) -> None:
    """End the routers of the generation before: the instance itself ends."""
    for how in (signal.SIGINT, signal.SIGKILL):
        pids = [pid for pid in pids if _sent(pid, how)]
        until = time.monotonic() + LEFT_MERCY
        while (pids := [pid for pid in pids if not _reaped(pid)]) and time.monotonic() < until:
            time.sleep(0.01)


def _sent(pid: int, how: signal.Signals) -> bool:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True
