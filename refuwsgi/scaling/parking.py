"""Kept connections that wait: they cost a worker memory, and no core.

Section:  scaling / threads; kept connections that wait
What:     a core that has answered over `http11-socket` waits a moment for the next request; if it
          does not come, the connection is parked and the core is free.  One epoll of the worker
          watches all that are parked, and whichever core is free takes the one that speaks.

              answered --a moment--> next request        (no call more than without parking)
                       --nothing---> parked --speaks--> any free core
                                            --silent for socket-timeout--> closed

Units:    seconds.
Errors:   none.
"""

from __future__ import annotations

# Beyond: uWSGI holds the core until the client goes or socket-timeout has passed.
import os
import select
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
        self.waiting[fd] = Parked(door, peer, time.monotonic() + door.timeout)
        try:
            self._poll.register(fd, ONCE)
        except FileExistsError:
            self._poll.modify(fd, ONCE)

    def patience(self) -> float | None:
        """How long a core may sleep before it has to look for clients that were silent."""
        for parked in self.waiting.copy().values():
            return max(0.0, parked.until - time.monotonic()) + 0.001
        return None

    def speaking(self) -> tuple[Door, int, Any] | None:
        """Take a client that speaks, or has gone."""
        assert self._poll is not None
        for fd, _ in self._poll.poll(0, 1):
            found = self.waiting.pop(fd, None)
            if found is not None:
                return found.door, fd, found.peer
        return None

    def close_silent(self) -> None:
        """Close those that have been silent for too long."""
        now = time.monotonic()
        for fd, parked in self.waiting.copy().items():
            if parked.until > now:
                return
            if self.waiting.pop(fd, None) is not None:
                os.close(fd)

    def last_words(self) -> tuple[Door, int, Any] | None:
        """When the worker leaves: close the silent, and take one that has just spoken."""
        while (found := self.speaking()) is None:
            try:
                fd, _ = self.waiting.popitem()
            except KeyError:
                return None
            os.close(fd)
        return found
