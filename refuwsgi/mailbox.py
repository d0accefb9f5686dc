"""The mailbox: how threads hand things to a task.

Section:  ground / the loop; the mailbox
What:     any thread puts things in; one task of a loop takes them out, oldest first.
Units:    none.
Errors:   none of its own.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from refuwsgi.loop import readable
from refuwsgi.waiting import bell

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Hands things to a task; any thread may put, one task gets."""

    # No lock: a deque appends and pops atomically.  The bell is rung only when the task
    # sleeps, so that a batch costs one wake-up, and none while the task is busy.

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._bell = bell()
        self._asleep = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Leave something for the task."""
        self._items.append(item)
        if self._asleep:
            self._asleep = False
            self._bell.ring()

    async def get(self) -> T:
        """Take the oldest thing; sleep while there is none."""
        while not self._items:
            self._asleep = True
            # Look again: what was put before we said that we sleep has not rung the bell.
            if self._items:
                self._asleep = False
                break
            await readable(self._bell.descriptor)
            self._bell.hush()
            self._asleep = False
        return self._items.popleft()

    def close(self) -> None:
        """Give the descriptors back."""
        self._bell.close()
