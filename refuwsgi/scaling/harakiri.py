"""harakiri: a request that takes too long takes its worker with it.

Section:  scaling / Scaling; a limit for each request
What:     a core writes into its row when its request must have ended; the master looks at the
          rows several times a second and kills the worker of a request that is late.  The
          deadline is the request's own: another one that ends in the same worker saves nobody.

              too late --> [harakiri-graceful-signal, harakiri-graceful-timeout seconds] --> SIGKILL

Units:    seconds; the rows have microseconds of the wall clock.
Errors:   `OptionError` for a signal that is none.
"""

from __future__ import annotations

import faulthandler
import signal
import time
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import sleep
from refuwsgi.options import Config, Option, flag, number
from refuwsgi.protocol.http import HeadError, parse_head
from refuwsgi.protocol.uwsgi import PacketError, environ_of
from refuwsgi.scoreboard import CoreRow

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master
    from refuwsgi.scaling.slots import Slot

HARAKIRI = Option(
    "harakiri",
    number,
    default=0,
    help="seconds that a request may take; then its worker is killed",
    aliases=("t",),
)
HARAKIRI_VERBOSE = Option(
    "harakiri-verbose",
    flag,
    default=False,
    help="before a worker is killed let it log where its threads are",
    bare="true",
)
HARAKIRI_GRACEFUL_TIMEOUT = Option(
    "harakiri-graceful-timeout",
    number,
    default=0,
    help="seconds between a signal that asks the worker to end and the one that kills it",
)
HARAKIRI_GRACEFUL_SIGNAL = Option(
    "harakiri-graceful-signal",
    number,
    default=int(signal.SIGTERM),
    help="the signal that asks",
)

WARNING = (
    " *** WARNING: you have enabled harakiri without post buffering. "
    "A slow upload counts as a slow request ***"
)
ON_WORKER = "*** HARAKIRI ON WORKER {} (pid: {}, try: {}, graceful: {}) ***"
STATUS = "HARAKIRI !!! worker {} status !!!"
CORE = "HARAKIRI [core {}] {} - {} {} since {}"
END = "HARAKIRI !!! end of worker {} status !!!"
TRIGGERED = "HARAKIRI triggered by worker {} core {} !!!"

LOOK = 0.25  # seconds between two looks of the master
TRACE_TIME = 0.2  # seconds that a worker gets to say where it is
TRACE = getattr(signal, "SIGRTMIN", 34) + 2  # makes a worker say where its threads are
SHOWN_HTTP = 1 << 32


class Late:
    """A worker that has been asked to end."""

    def __init__(self, pid: int, until: float) -> None:
        self.pid = pid
        self.until = until


class Harakiri:
    """The part of the master that minds deadlines."""

    def __init__(self, *, verbose: bool, gentle: int, by: int) -> None:
        self._verbose = verbose
        self._gentle = gentle
        self._by = by
        self._late: dict[int, Late] = {}  # slot number -> what it was told

    async def run(self, master: Master) -> None:
        """Look for ever."""
        while True:
            await sleep(LOOK)
            await self.look(master, time.monotonic_ns() // 1000, time.monotonic())

    async def look(self, master: Master, now: int, clock: float) -> None:
        """End the workers whose requests are too late: `now` as in the rows, `clock` monotonic."""
        for slot in master.living(master.workers):
            told = self._late.get(slot.number)
            if told is not None and told.pid == slot.pid:
                if clock >= told.until:
                    del self._late[slot.number]
                    self._say(master, slot, 2)
                    slot.send(signal.SIGKILL)
                continue
            late = late_core(master.board.cores[slot.number - 1], now)
            if late is not None:
                await self._end(master, slot, late, clock)

    async def _end(self, master: Master, slot: Slot, core: int, clock: float) -> None:
        master.board.workers[slot.number - 1].harakiris += 1
        pid = slot.pid
        self._say(master, slot, 1)
        log.dated(TRIGGERED.format(slot.number, core))
        if self._verbose:
            slot.send(TRACE)
            await sleep(TRACE_TIME)
        if slot.pid != pid:
            return
        if self._gentle:
            self._late[slot.number] = Late(pid, clock + self._gentle)
            slot.send(self._by)
        else:
            slot.send(signal.SIGKILL)

    def _say(self, master: Master, slot: Slot, attempt: int) -> None:
        graceful = "yes" if attempt == 1 else "no"
        log.dated(ON_WORKER.format(slot.number, slot.pid, attempt, graceful))
        log.dated(STATUS.format(slot.number))
        for place, core in enumerate(master.board.cores[slot.number - 1]):
            if core.in_request:
                peer, method, uri = shown(core)
                log.dated(CORE.format(place, peer, method, uri, core.started // 1_000_000))
        log.dated(END.format(slot.number))


def late_core(cores: list[CoreRow], now: int) -> int | None:
    """Find the core whose request should have ended."""
    for place, core in enumerate(cores):
        deadline = core.deadline
        if deadline and deadline <= now and core.in_request:
            return place
    return None


def shown(core: CoreRow) -> tuple[str, str, str]:
    """Say whose request a core has: peer, method and URI."""
    size = core.shown_size
    head = bytes(core.shown[: size & (SHOWN_HTTP - 1)])
    try:
        found = parse_head(head, len(head)).environ if size & SHOWN_HTTP else environ_of(head[4:])
    except (HeadError, PacketError):
        found = {}
    words = ("REMOTE_ADDR", "REQUEST_METHOD", "REQUEST_URI")
    peer, method, uri = (str(found.get(word, "")) for word in words)
    return peer, method, uri


def traceable(config: Config) -> None:
    """Let a worker say where its threads are when the master asks; called in the worker."""
    # Beyond: uWSGI shows what the kernel knows of the process, not where the application is.
    if config[HARAKIRI_VERBOSE]:
        faulthandler.register(TRACE, file=2, all_threads=True)


def configured(config: Config, *, buffered: bool) -> Harakiri | None:
    """Build it if the operator wants it."""
    if not (config[HARAKIRI] or _by_a_rule(config)):
        return None
    by = config[HARAKIRI_GRACEFUL_SIGNAL]
    if by not in signal.valid_signals():
        raise config.error(HARAKIRI_GRACEFUL_SIGNAL, "the number of a signal")
    if config[HARAKIRI] and not buffered:
        log.line(WARNING)
    return Harakiri(
        verbose=config[HARAKIRI_VERBOSE], gentle=config[HARAKIRI_GRACEFUL_TIMEOUT], by=by
    )


def for_applications() -> Harakiri:
    """Build it for the deadlines that applications set themselves."""
    return Harakiri(verbose=False, gentle=0, by=0)


def _by_a_rule(config: Config) -> bool:
    """Say whether a rule sets deadlines, as `route = ^/slow harakiri:60` does."""
    rules = (each for each in config.settings if "route" in each.name)
    return any("harakiri:" in (each.value or "") for each in rules)
