"""Limits: a worker that has served enough, lived enough or grown enough makes room.

Section:  scaling / Scaling; workers that have done their work
What:     after each request a worker asks whether it should go; it finishes what its cores have
          and leaves, and the master fills its place.  Life times, and the memory of a worker
          that may not answer any more (`evil-...`), are the master's to look at.

              max-requests  reload-on-rss  reload-on-as           asked by the worker
              max-worker-lifetime  evil-reload-on-rss  ...-as     asked by the master

Units:    memory is bytes here and megabytes in the options; times are seconds.
Errors:   `OptionError` when the life times do not fit each other.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from refuwsgi import log
from refuwsgi.options import Config, Option, megabytes, number
from refuwsgi.request import Request
from refuwsgi.scoreboard import Scoreboard

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

MAX_REQUESTS = Option(
    "max-requests",
    number,
    default=0,
    help="replace a worker after so many requests",
    aliases=("R",),
)
MAX_REQUESTS_DELTA = Option(
    "max-requests-delta",
    number,
    default=0,
    help="so many requests more for each worker than for the one before",
)
MIN_WORKER_LIFETIME = Option(
    "min-worker-lifetime",
    number,
    default=10,
    help="seconds that a worker stays whatever it has served; obeyed by max-requests when given",
)
MAX_WORKER_LIFETIME = Option(
    "max-worker-lifetime", number, default=0, help="replace a worker after so many seconds"
)
MAX_WORKER_LIFETIME_DELTA = Option(
    "max-worker-lifetime-delta",
    number,
    default=0,
    help="so many seconds more for each worker than for the one before",
)
RELOAD_ON_RSS = Option(
    "reload-on-rss",
    megabytes,
    default=0,
    help="replace a worker whose resident memory is larger, in megabytes",
)
RELOAD_ON_AS = Option(
    "reload-on-as",
    megabytes,
    default=0,
    help="replace a worker whose address space is larger, in megabytes",
)
EVIL_RELOAD_ON_RSS = Option(
    "evil-reload-on-rss",
    megabytes,
    default=0,
    help="the same as reload-on-rss, by the master and at once",
)
EVIL_RELOAD_ON_AS = Option(
    "evil-reload-on-as",
    megabytes,
    default=0,
    help="the same as reload-on-as, by the master and at once",
)

DONE = "...The work of process {} is done. Seeya!"
TOO_YOUNG = (
    "worker {} has served its max-requests and stays until it is {} second(s) old "
    "(min-worker-lifetime)"
)
LIFETIME = "worker {} lifetime reached, it was running for {} second(s)"
BAD_LIFETIME = "invalid min-worker-lifetime value ({}), must be lower than max-worker-lifetime ({})"
TOO_FAT = "worker {} (pid: {}) uses too much memory ({} MB), it is replaced"


class Limits(NamedTuple):
    """What ends a worker."""

    requests: int = 0
    youngest: int = 0  # seconds of life before which the number of requests does not count
    rss: int = 0
    space: int = 0

    def reached(self, served: int, age: float, memory: Callable[[], tuple[int, int]]) -> str:
        """Name the limit that is reached: "requests", "memory"; "young" when it is too soon."""
        if self.requests and served >= self.requests:
            return "requests" if age >= self.youngest else "young"
        if self.rss or self.space:
            space, rss = memory()
            if self.rss and rss >= self.rss or self.space and space >= self.space:
                return "memory"
        return ""


class WorkerLimits:
    """Asks, after each request of a worker, whether the worker should go."""

    def __init__(self, limits: Limits, board: Scoreboard, number: int, *, report: bool) -> None:
        self._limits = limits
        self._row = board.workers[number - 1]
        self._cores = board.cores[number - 1]
        self._number = number
        self._report = report
        self._born = time.monotonic()
        self._warned = False

    def after(self, request: Request) -> None:
        """Count a request that has ended."""
        if self._report:
            self._row.vsz, self._row.rss = memory_of("self")
        if self._row.retiring:
            return
        served = sum(core.requests for core in self._cores) - self._row.base
        age = time.monotonic() - self._born
        reached = self._limits.reached(served, age, lambda: memory_of("self"))
        if reached == "young":
            if not self._warned:
                log.line(TOO_YOUNG.format(self._number, self._limits.youngest))
            self._warned = True
        elif reached:
            self._row.retiring = 1
            log.line(DONE.format(os.getpid()))
            os.kill(os.getpid(), signal.SIGHUP)


class MasterLimits:
    """What the master looks at once a cycle."""

    def __init__(self, lifetime: int, delta: int, rss: int, space: int, *, report: bool) -> None:
        self._lifetime = lifetime
        self._delta = delta
        self._rss, self._space = rss, space
        self._report = report

    def look(self, master: Master) -> None:
        """Replace what is too old or too fat."""
        for slot in master.living(master.workers):
            if slot.planned:
                continue
            row = master.board.workers[slot.number - 1]
            if self._report or self._rss or self._space:
                row.vsz, row.rss = memory_of(str(slot.pid))
            age = int(time.monotonic() - slot.started)
            if self._too_old(slot.number, age):
                log.line(LIFETIME.format(slot.number, age))
                row.retiring = 1
                master.renew(slot)
            elif self._rss and row.rss >= self._rss or self._space and row.vsz >= self._space:
                log.line(TOO_FAT.format(slot.number, slot.pid, row.rss >> 20))
                master.renew(slot, signal.SIGKILL)

    def _too_old(self, number: int, age: int) -> bool:
        if not self._lifetime:
            return False
        return age >= self._lifetime + self._delta * (number - 1)


def memory_of(process: str) -> tuple[int, int]:
    """The address space of a process and the resident part of it; zeros where nobody says."""
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            size, resident = file.read().split()[:2]
    except (OSError, ValueError):
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page, int(resident) * page


def check(config: Config) -> None:
    """Refuse life times that do not fit; called at the start."""
    least, most = config[MIN_WORKER_LIFETIME], config[MAX_WORKER_LIFETIME]
    if most and least >= most:
        raise config.error(MAX_WORKER_LIFETIME, f"more: {BAD_LIFETIME.format(least, most)}")


def for_worker(
    config: Config, board: Scoreboard, number: int, *, report: bool
) -> WorkerLimits | None:
    """Build what a worker asks; None when there is nothing to ask."""
    requests = config[MAX_REQUESTS]
    limits = Limits(
        requests and requests + config[MAX_REQUESTS_DELTA] * (number - 1),
        # Departure: uWSGI keeps every worker for 10 seconds, and lets nobody know.
        config[MIN_WORKER_LIFETIME] if config.given(MIN_WORKER_LIFETIME) else 0,
        config[RELOAD_ON_RSS],
        config[RELOAD_ON_AS],
    )
    if not (report or limits.requests or limits.rss or limits.space):
        return None
    return WorkerLimits(limits, board, number, report=report)


def for_master(config: Config, *, report: bool) -> MasterLimits | None:
    """Build what the master looks at; None when there is nothing to look at."""
    lifetime = config[MAX_WORKER_LIFETIME]
    rss, space = config[EVIL_RELOAD_ON_RSS], config[EVIL_RELOAD_ON_AS]
    if not (report or lifetime or rss or space):
        return None
    return MasterLimits(lifetime, config[MAX_WORKER_LIFETIME_DELTA], rss, space, report=report)
