"""Kept connections that wait: they cost a worker memory, and no core.

Section:  scaling / threads; kept connections that wait
What:     a core that has answered over `http11-socket` waits a moment for the next request; if it
          does not come, the connection is parked and the core is free.  One epoll of the worker
          watches all that are parked, and whichever core is free takes the one that speaks.

              answered --a moment--> next request        (no call more than without parking)
                       --nothing---> parked --speaks--> any free core
                                            --silent for socket-timeout--> closed

Units:    seconds.
Errors:   out of descriptors, the client that has been silent for longest makes room for a new one.
"""

from __future__ import annotations

# Beyond: uWSGI holds the core until the client goes or socket-timeout has passed.
import os
import select
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from refuwsgi.request import CHUNK, wait_for
from refuwsgi.scoreboard import IDLE, CoreRow

if TYPE_CHECKING:
    from refuwsgi.scaling.cores import Door

MOMENT = 0.02  # for which a core waits while nobody else may want it
TURNS = 256  # requests of one client, one right after the other, before others get their turn
ONCE = select.EPOLLIN | select.EPOLLONESHOT


class Parked(NamedTuple):
    """A connection without a request."""

    door: Door
    peer: Any
    until: float


class Parking:
    """The kept connections of a worker, shared by its cores."""

    def __init__(self, rows: Sequence[CoreRow] = ()) -> None:
        self._rows = rows  # of the worker's cores
        self.waiting: dict[int, Parked] = {}  # by descriptor, the oldest first
        self._poll: select.epoll | None = None
        self._known: set[int] = set()  # descriptors that have been parked
        self._changing = threading.Lock()

    def fileno(self) -> int:
        """What is readable when somebody who is parked speaks; called once, before any thread."""
        if self._poll is None:
            self._poll = select.epoll()
        return self._poll.fileno()

    def next(self, fd: int, turn: int) -> bytes | None:
        """What the client sends next, b"" when it has gone; None when it is to be parked."""
        if (self.waiting or turn % TURNS == 0) and not self._a_core_is_free():
            return None  # there may be more clients than cores
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            pass  # TCP has waited in the kernel for a moment
        if os.get_blocking(fd):
            return None
        try:
            wait_for(fd, select.POLLIN, MOMENT)
            return os.read(fd, CHUNK)
        except (TimeoutError, BlockingIOError):
            return None

    def _a_core_is_free(self) -> bool:
        """Whether somebody else can take a client that comes, or speaks."""
        return any(row.words[CoreRow.in_request.index] == IDLE for row in self._rows)

    def park(self, fd: int, door: Door, peer: Any) -> None:
        """Let go of a client until it speaks."""
        assert self._poll is not None
        with self._changing:  # nobody may take, or close, a client that is half parked
            self.waiting[fd] = Parked(door, peer, time.monotonic() + door.timeout)
            try:
                self._watch(self._poll, fd)
            except OSError:
                del self.waiting[fd]  # it is the caller's again, who closes it
                raise

    def _watch(self, poll: select.epoll, fd: int) -> None:
        # The kernel forgets a descriptor that is closed, and remembers one that was taken.
        if fd in self._known:
            try:
                poll.modify(fd, ONCE)
                return
            except FileNotFoundError:
                pass  # another client's, which has gone
        poll.register(fd, ONCE)
        self._known.add(fd)

    def patience(self) -> float | None:
        """How long a core may sleep before it has to look for clients that were silent."""
        with self._changing:
            for parked in self.waiting.values():
                return max(0.0, parked.until - time.monotonic()) + 0.001
        return None

    def speaking(self) -> tuple[Door, int, Any] | None:
        """Take a client that speaks, or has gone."""
        assert self._poll is not None
        for fd, _ in self._poll.poll(0, 1):
            with self._changing:
                found = self.waiting.pop(fd, None)
            if found is not None:
                return found.door, fd, found.peer
        return None

    def close_silent(self) -> None:
        """Close those that have been silent for too long."""
        now = time.monotonic()
        while self._close_oldest(now):
            pass

    def close_oldest(self) -> bool:
        """Close the one that has been silent for longest: a new client needs its descriptor."""
        return self._close_oldest(float("inf"))

    def _close_oldest(self, now: float) -> bool:
        with self._changing:
            for fd, parked in self.waiting.items():
                if parked.until > now:
                    return False
                del self.waiting[fd]
                os.close(fd)
                return True
        return False

    def last_words(self) -> tuple[Door, int, Any] | None:
        """When the worker leaves: close the silent, and take one that has just spoken."""
        while (found := self.speaking()) is None:
            if not self.close_oldest():
                return None
        return found
