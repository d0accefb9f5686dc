"""Nothing that was overheard counts twice.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the replay guard
What:     each signed packet carries a number, `unix`, the sender's clock.  A node's next packet
          must carry a higher one than its last, whatever it says and even after the node has left.
          Numbers that are older than the tolerance need not be kept: it refuses them alone.  When
          there are too many even so, the lower half goes, and its highest becomes a floor that
          every node we do not know has to pass; so forgetting lets nobody in.
Units:    seconds since the epoch, for both clocks.
Errors:   none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

MOST = 500_000  # nodes whose last number is remembered

Identity = tuple[bytes, bytes]  # key, address


class Guard:
    """The last number of each node."""

    def __init__(self, tolerance: float) -> None:
        self.changed: Callable[[], None] | None = None  # called when a number was noted
        self.floor = -1  # nobody whom we do not know may come with this number, or less
        self._tolerance = tolerance
        self._last: dict[Identity, int] = {}

    def is_new(self, who: Identity, unix: int, clock: float) -> bool:
        """Say whether a number is higher than any before, and remember it."""
        # Departure: uWSGI compares with a node's first packet only, forgets it when the node
        # leaves, and does not look at the number of a withdrawal; all of that can be replayed.
        last = self._last.get(who)
        if last is None:
            if unix < clock - self._tolerance or unix <= self.floor:
                return False
            if len(self._last) >= MOST:
                self._forget(clock)
        elif unix <= last:
            return False
        self._last[who] = unix
        if self.changed is not None:
            self.changed()
        return True

    def numbers(self, clock: float) -> Mapping[Identity, int]:
        """What the next generation must know."""
        self._drop(clock - self._tolerance)
        return self._last

    def remember(self, numbers: Mapping[Identity, int], floor: int) -> None:
        """Take over what the generation before knew."""
        self.floor = max(self.floor, floor)
        for who, unix in numbers.items():
            self._last[who] = max(unix, self._last.get(who, -1))

    def _forget(self, clock: float) -> None:
        self._drop(clock - self._tolerance)
        if len(self._last) >= MOST:
            self.floor = max(self.floor, sorted(self._last.values())[MOST // 2])
            self._drop(self.floor + 1)

    def _drop(self, oldest: float) -> None:
        self._last = {who: unix for who, unix in self._last.items() if unix >= oldest}
