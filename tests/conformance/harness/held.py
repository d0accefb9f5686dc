"""The descriptors that the suite itself holds: what it forgets to close shows before none is left.

What: looked at after every case.  A few more than after the first one are what files of cases share
      and what the last failure's traceback keeps; many more are a leak, and break the suite.
"""

import os
import re
from collections import Counter

from .errors import HarnessFailed

ROOM = 64
"""So many more than in the beginning are no leak; every run has some 1,500 cases."""


class Held:
    """How many descriptors this process may hold, counted from the first look on."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._first: int | None = None

    def look(self) -> None:
        """Count; HarnessFailed, once for each `room` of them, when there are too many."""
        now = held()
        if self._first is None:
            self._first = len(now)
        grown = len(now) - self._first
        if grown > self._room:
            self._first = len(now)
            raise HarnessFailed(f"the suite leaks descriptors, {grown} more: {told(now)}")


def held() -> list[str]:
    """What each descriptor of this process is."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the one of the list itself
            continue
    return found


def told(descriptors: list[str]) -> str:
    """Most of what they are, numbers aside."""
    kinds = Counter(re.sub(r"\d+", "N", each) for each in descriptors)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(4))
