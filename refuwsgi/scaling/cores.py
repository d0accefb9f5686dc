"""threads: each process runs as many cores as the operator specifies.

Section:  scaling / threads
What:     a core is one place for a request: it accepts, serves, closes, again.  The code is
          plain and blocking; the kernel deals the connections out among all cores of all
          workers, and what no core has taken yet waits in the listen queue.

              accept --> receive --> stage, stage, ... --> log, count --> close
                 ^                                                          |
                 +----------------------------------------------------------+

Units:    times are microseconds of the wall clock, timeouts seconds.
Errors:   an error of ours ends the conversation with a traceback in the log; the core goes on.
"""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Callable
from os import close
from time import monotonic_ns, time_ns
from typing import Any, NamedTuple, Protocol

from refuwsgi import api, log
from refuwsgi.options import Option, how_many
from refuwsgi.request import DONE, GIVEN, Request, Stage
from refuwsgi.scaling.accepting import Accept, accept_of
from refuwsgi.scaling.bodies import swallowed
from refuwsgi.scaling.core_links import CoreLinks
from refuwsgi.scaling.gate import Gate
from refuwsgi.scaling.http_socket import close_gently
from refuwsgi.scaling.parking import Parking
from refuwsgi.scoreboard import BUSY, IDLE, CoreRow
from refuwsgi.sockets import Listener

THREADS = Option("threads", how_many, default=1, help="cores of each worker")
ENABLE_THREADS = Option(
    "enable-threads",
    lambda text: True,
    default=True,
    help="nothing: the application's threads always run (threads implies it, too)",
    bare="true",
)

SOON = 30_000  # nanoseconds: a client that came sooner than this had been waiting in the queue
STREAK = 16  # so many of them, and the next will be there, too: to be wrong costs three times more
FEW = 4  # descriptors to hear of at once; room for many costs more than to ask again
IN_REQUEST = CoreRow.in_request.index


class Door(Protocol):
    """A listening socket and the protocol that is spoken behind it."""

    listener: Listener
    http: bool
    tcp: bool
    stays: bool  # connections that a request wants kept are the router's, and hold no core
    timeout: float  # seconds that a client may be silent
    may_offload: bool

    def for_core(self) -> Door:
        """The same door, for one core alone."""
        ...

    def receive(self, fd: int, data: bytes, peer: Any, core: CoreRow) -> Request | None:
        """Read one request; None when there is none to be had from this client."""
        ...

    def drain(self, timeout: float) -> None:
        """Wait until what the cores have written is on its way."""
        ...


class Service(NamedTuple):
    """What all cores of a worker share."""

    doors: list[Door]
    stages: list[Stage]
    log_request: Callable[[Request], None] | None
    offload: Callable[[Any, Request], bool] | None
    after: Callable[[Request], None] | None  # limits: called when a request has ended
    extra_headers: list[tuple[str, str]]
    removed_headers: tuple[str, ...]  # in lower case
    harakiri: int  # seconds; 0: none


class Core:
    """One place for a request."""

    def __init__(
        self,
        worker: int,
        number: int,
        row: CoreRow,
        service: Service,
        gate: Gate,
        parking: Parking | None = None,
    ) -> None:
        self.worker = worker
        self.number = number
        self.row = row
        self._service = service
        self._stages = service.stages
        self._log_request = service.log_request
        self._after = service.after
        said = (service.harakiri, service.extra_headers, service.removed_headers, service.offload)
        self._prepare = self._as_configured if any(said) else None  # nothing is said of most
        self._gate = gate
        self._parking = parking or Parking()
        self._listening = {
            door.listener.sock.fileno(): (door.for_core(), accept_of(door.listener, tcp=door.tcp))
            for door in service.doors
        }
        self._poll = select.epoll()
        self._links = CoreLinks(self._poll)
        self._poll.register(gate.fileno(), select.EPOLLIN)
        self._parked = self._parking.fileno()
        self._poll.register(self._parked, select.EPOLLIN)
        for fd in self._listening:
            # One client wakes one core, not all of them.
            self._poll.register(fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        self._eager: tuple[Door, Accept] | None = None  # whom to try without asking first
        self._streak = 0  # clients that had been waiting, one after the other
        self._words = row.words
        self._files = row.static

    def run(self) -> None:
        """Serve until the gate says to leave."""
        words, gate, parking = self._words, self._gate, self._parking
        api.running.core = self.row
        while gate.open or gate.stay():
            # Trying first saves a call when clients are waiting, and costs one when none is.
            if self._eager is None or parking.waiting:
                if (arrival := self._next(parking)) is None:
                    continue
                door, client, peer = arrival
            else:
                door, accept = self._eager
                try:
                    client, peer = accept()
                except OSError as problem:
                    self._missed(problem)
                    continue
            words[IN_REQUEST] = BUSY  # until the end of the conversation says otherwise
            self._converse(door, client, peer)
        while (arrival := parking.last_words()) is not None:
            self._converse(*arrival)
        self._links.leave()

    def _next(self, parking: Parking) -> tuple[Door, int, Any] | None:
        """Wait for the next client; None when there is none, or the gate wants a look."""
        since = monotonic_ns()
        if parking.waiting:
            ready = self._poll.poll(parking.patience(), 1)  # one: each gets its turn
            parking.close_silent()
        else:
            ready = self._poll.poll(None, FEW)
        for fd, _ in ready:
            if (found := self._listening.get(fd)) is not None:
                self._streak = self._streak + 1 if monotonic_ns() - since < SOON else 0
                if self._streak >= STREAK and len(self._listening) == 1:
                    self._eager = found
                door, accept = found
                try:
                    client, peer = accept()
                except OSError as problem:
                    self._missed(problem)
                    continue
                return door, client, peer
            if fd == self._parked:
                arrival = None if self._gate.paused else parking.speaking()
            else:
                arrival = self._links.known.get(fd)
                if arrival is None:
                    return None
            if arrival is not None:
                return arrival
        return None

    def _missed(self, problem: OSError) -> None:
        """See why no client came: mostly, another core was faster, or the queue is empty."""
        self._eager, self._streak = None, 0
        if not isinstance(problem, (BlockingIOError, ConnectionError)):  # noqa: UP038  # quicker
            self._short_of_descriptors(problem)

    def _short_of_descriptors(self, problem: OSError) -> None:
        if problem.errno in (errno.EMFILE, errno.ENFILE) and self._parking.close_oldest():
            return  # who is served goes before who only might ask again
        log.line(f"accept(): {problem.strerror}")
        time.sleep(0.05)  # a spin here would take the time from those that could close some

    def _converse(self, door: Door, fd: int, peer: Any) -> None:
        """Serve one client to its end."""
        data, link, turn = b"", -1, 0
        try:
            while (request := door.receive(fd, data, peer, self.row)) is not None:
                if request.fd != fd:
                    link, fd = fd, request.fd  # a router has passed its client's descriptor
                self._serve(request, door)
                if not request.keep or self._gate.leaving:
                    if request.fd < 0:
                        fd = -1  # given away: the new owner closes it
                    elif request.body.left:
                        close_gently(fd)
                    return
                if door.stays:
                    fd = self._links.stay(door, fd, peer, request)
                    return
                if request.body.left and not swallowed(request):
                    return
                data = request.beyond or getattr(request.body, "beyond", b"")
                if not data and link < 0:
                    turn += 1
                    if not (more := self._more(door, fd, peer, turn)):
                        fd = fd if more is not None else -1
                        return
                    data = more
        except OSError as problem:
            if not isinstance(problem, ConnectionError):
                log.line(f"client of core {self.number} lost: {problem}")
        except Exception:
            log.exception("a conversation ended by an error of ours")
        finally:
            self._words[IN_REQUEST] = IDLE  # before the client knows the end
            if link >= 0 or door.stays:
                self._links.close(fd, link)
            elif fd >= 0:
                close(fd)

    def _more(self, door: Door, fd: int, peer: Any, turn: int) -> bytes | None:
        """What a kept client sends next, b"" when it has gone; None when it has been parked."""
        more = self._parking.next(fd, turn)
        if more is None:
            self.row.words[IN_REQUEST] = IDLE
            self._parking.park(fd, door, peer)
        return more

    def _serve(self, request: Request, door: Door) -> None:
        """Let the first stage that wants the request answer it, then count and log."""
        words = self._words
        request.started = started = words[8] = time_ns() // 1000
        if self._prepare is not None:
            self._prepare(request, door)
        try:
            for stage in self._stages:
                if stage(request):
                    break
            else:
                request.fail("404 Not Found")
            if request.changed and request.routed is not None:
                request.routed.end(request)
        finally:
            words[0] += 1
            words[9] += request.head_size + request.size
            words[17] = now = time_ns() // 1000
            if request.app >= 0:
                words[13] += 1
                if now > started:  # the clock may have been set back
                    words[10] += now - started
            else:
                self._count_other(now - started)
            if words[12]:
                words[12] = 0
            if self._log_request is not None and request.log:
                self._log_request(request)
            if self._after is not None:
                self._after(request)

    def _count_other(self, took: int) -> None:
        """Count what no application answered; files do not count for the average."""
        words = self._words
        if words[1] != self._files:
            self._files = words[1]
        elif took > 0:
            words[10] += took

    def _as_configured(self, request: Request, door: Door) -> None:
        """Give a request what the operator has said of all of them."""
        service = self._service
        if service.harakiri:
            # By a clock that nobody sets: a step of the other must not end a worker.
            allowed = service.harakiri * 1_000_000
            self.row.deadline = time.monotonic_ns() // 1000 + allowed
        if service.extra_headers:
            request.extra_headers = service.extra_headers
        if service.removed_headers:
            request.removed_headers = service.removed_headers
        if door.may_offload:
            request.offload = service.offload


__all__ = ["DONE", "ENABLE_THREADS", "GIVEN", "THREADS", "Core", "Door", "Gate", "Service"]
