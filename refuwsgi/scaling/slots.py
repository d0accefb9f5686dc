"""Slots: the places for processes that a master keeps filled.

Section:  scaling / Scaling; one place for one process
What:     which process fills the place, what shall become of the place when it ends, and the
          words in which its end is told.
Units:    times are seconds.
Errors:   none; a signal to a process that has gone is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from refuwsgi.processes import Child
from refuwsgi.scaling import workers

DAMN_SIGNAL = "DAMN ! worker {} (pid: {}) died, killed by signal {} :( trying respawn ..."
DAMN = "DAMN ! worker {} (pid: {}) died :( trying respawn ..."
KILLED = "worker {} killed successfully (pid: {})"


class Slot:
    """A place for a process that the master keeps filled."""

    def __init__(self, number: int, name: str, run: Callable[[], int]) -> None:
        self.number = number
        self.name = name
        self.run = run
        self.child: Child | None = None
        self.wanted = True  # False: when it ends it stays ended
        self.planned = False  # True: its end was asked for, nobody need worry
        self.cheaped = False  # True: its end makes room, nobody shall take its place
        self.started = 0.0  # when its process began, by the clock that nobody sets

    @property
    def pid(self) -> int:
        """The process that fills it; 0 when there is none."""
        return self.child.pid if self.child is not None else 0

    def send(self, number: int) -> None:
        """Send its process a signal."""
        if self.child is not None:
            self.child.kill(number)

    def ended(self, pid: int, status: int) -> str:
        """Say why a worker that filled it is no more."""
        if status == workers.PLANNED or self.planned:
            return KILLED.format(self.number, pid)
        if status < 0:
            return DAMN_SIGNAL.format(self.number, pid, -status)
        return DAMN.format(self.number, pid)


def living(slots: Iterable[Slot]) -> list[Slot]:
    """Those of the slots that have a process."""
    return [slot for slot in slots if slot.child is not None]
