"""The imperial loop: looks for vassals, wakes, reloads and buries them.

Section: vassals / On demand vassals (socket activation); the imperial loop
What: a process of its own with a few tasks on one loop:

          scanner    asks the monitors every `emperor-freq` seconds, or when something calls for it
          signals    TERM INT QUIT: end; HUP: reload all; CHLD: reap; USR1 URG WINCH: see _signal
          clock      once a second, while there are vassals that have a process (vassal.py)
          stats      answers whoever connects
          one for each sleeping vassal (its socket), one for each running one (its pipe)

Units: seconds.
Errors: `OptionError` before anything is started.  After that a mistake is a vassal's, costs that
      vassal only, and is said in the log.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from refuwsgi import log, processes
from refuwsgi.address import Address
from refuwsgi.binding import bind
from refuwsgi.loop import READ, Source, Task, Wait, readable, sleep, wait
from refuwsgi.options import OptionError
from refuwsgi.vassals import emperor_stats
from refuwsgi.vassals.census import Census
from refuwsgi.vassals.lifecycle import Event
from refuwsgi.vassals.on_demand import Door
from refuwsgi.vassals.own_socket import place_of
from refuwsgi.vassals.process import tell

SHORTEST_GAP = 0.2  # between two scans that something called for
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
SIGNALS = (
    *ENDING,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGUSR1,
    signal.SIGURG,
    signal.SIGWINCH,
)


class Emperor:
    """The supervisor of vassals."""

    def __init__(
        self,
        census: Census,
        *,
        period: float = 3.0,
        pidfile: str | None = None,
        stats: Address | None = None,
        stats_http: bool = False,
    ) -> None:
        self._census = census
        self._realm = census.realm
        self._period = period
        self._pidfile = pidfile
        self._stats = stats
        self._stats_http = stats_http
        self._scanner: Task | None = None
        self._bell = socket.socketpair()
        self._stats_door: Door | None = None

    # -- the main loop -------------------------------------------------------------------------

    def run(self) -> int:
        """Rule until a signal ends it; the exit status."""
        log.line("*** starting uWSGI Emperor ***")
        processes.set_title("uWSGI Emperor")
        if self._realm.customs.warm is not None:
            _get_warm()
        loop = self._realm.loop
        signals = _listen_to_signals()
        for end in self._bell:
            end.setblocking(False)
        self._realm.look_soon = self.look_soon
        if self._pidfile is not None:
            with open(self._pidfile, "w", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
        if self._stats is not None:
            loop.spawn(self._serve_stats(self._stats))
        loop.spawn(self._hear_signals(signals))
        if self._realm.herald is not None:
            loop.spawn(self._realm.herald.run())
        self._scanner = loop.spawn(self._look_around())
        loop.run()
        self._close_stats()
        tell("The Emperor is buried.")
        return 0

    async def _serve_stats(self, address: Address) -> None:
        try:
            sock = bind(address, backlog=self._realm.customs.backlog)
        except OptionError as problem:
            # uWSGI: the emperor goes on without.
            log.line(f"unable to serve the emperor's stats: {' '.join(str(problem).split())}")
            return
        said = f"{address.text()} fd: {sock.fileno()}"
        log.line(f"*** Emperor stats server enabled on {said} ***")
        place = place_of(address.path) if address.kind == "unix" else None
        self._stats_door = Door(address.text(), sock, place)
        await emperor_stats.answer(self._realm.loop, sock, self.told, self._stats_http)

    def _close_stats(self) -> None:
        if self._stats_door is not None:
            if self._realm.customs.vacuum:
                self._stats_door.remove()
            self._stats_door.sock.close()

    async def _look_around(self) -> None:
        while True:
            await self._census.scan()
            asked = self._census.descriptors
            interests: list[tuple[Source, int]] = [(self._bell[0], READ)]
            interests += [(fd, READ) for fd in asked]
            try:
                await wait(Wait(tuple(interests), self._period))
            except TimeoutError:
                continue
            await sleep(SHORTEST_GAP)
            _drain(self._bell[0])

    def look_soon(self) -> None:
        """Call for a scan."""
        try:
            self._bell[1].send(b".")
        except BlockingIOError:
            pass  # it rings already

    # -- signals -------------------------------------------------------------------------------

    async def _hear_signals(self, signals: socket.socket) -> None:
        while True:
            await readable(signals)
            for sign in _drain(signals):
                self._signal(sign)

    def _signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number in ENDING:
            self._end()
        elif number == signal.SIGHUP and not self._census.ending:
            for vassal in self._census.vassals:
                vassal.feed(Event.CHANGED)
        elif number == signal.SIGUSR1:
            for vassal in self._census.vassals:
                log.line(
                    f"vassal instance {vassal.name} (last modified "
                    f"{vassal.found.modified // 10**9}) status {vassal.state.name.lower()} "
                    f"loyal {int(vassal.loyal)} zerg 0"
                )
        elif number == signal.SIGURG:
            tell("cleaning up blacklist ...")
            self._realm.blacklist.clear()
            self.look_soon()
        elif number == signal.SIGWINCH:
            self.look_soon()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            vassal = self._realm.living.get(pid)  # else the command of an on-demand rule
            if vassal is not None:
                vassal.died(status)
                self._census.forget_if_gone(vassal)

    def _end(self) -> None:
        if self._census.ending:
            tell("*** RAGNAROK ALREADY EVOKED ***")
            return
        tell("*** RAGNAROK EVOKED ***")
        if self._scanner is not None:
            self._realm.loop.end(self._scanner)
        self._census.end()

    def told(self) -> dict[str, Any]:
        """What the stats say."""
        census = self._census
        monitors = [court.monitor.name for court in census.courts]
        return emperor_stats.snapshot(
            monitors, census.vassals, self._realm.blacklist, census.tyrant is not None
        )


def _get_warm() -> None:
    """Load what every vassal of ours will need, so that a fork finds it there."""
    import ctypes
    import gc
    import subprocess  # noqa: F401

    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of the GNU libc
        trim(0)
    gc.freeze()  # a collection in a vassal would touch, and thereby copy, every page


def _listen_to_signals() -> socket.socket:
    """Turn signals into bytes of a socket."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    _KEPT.append(theirs)
    for sign in SIGNALS:
        signal.signal(sign, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return ours


_KEPT: list[socket.socket] = []  # what signal handlers write to must not be collected


def _drain(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except BlockingIOError:
        return b""
