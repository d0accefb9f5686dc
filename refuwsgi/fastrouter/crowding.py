"""Who goes when the table of nodes is full: those who have been silent longest.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; a full table
What:     of one key's nodes all are looked at; of all keys a few, by chance, for a sender that
          fills the table must not make each announcement cost a walk through it.  Who announces
          itself in time is hardly ever the most silent of a few.  Nodes on which a request runs
          stay.
Units:    `last_check` is monotonic, in seconds.
Errors:   none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

LOOK = 8  # keys of which one goes


class Node(Protocol):
    """What counts of a node."""

    running: int
    last_check: float


N = TypeVar("N", bound=Node)
K = TypeVar("K", bound=Node, covariant=True)


class Slot(Protocol[K]):
    """A key's nodes."""

    @property
    def nodes(self) -> Sequence[K]:
        """All of them."""


def longest_silent(nodes: Sequence[N]) -> list[N]:
    """The node that goes to make room for another of its key, if one may."""
    idle = [node for node in nodes if not node.running]
    return [min(idle, key=lambda node: node.last_check)] if idle else []


class Crowd(Generic[N]):
    """Picks from the keys of a full table."""

    def __init__(self, slots: Mapping[bytes, Slot[N]]) -> None:
        self._slots = slots
        self._keys: list[bytes] = []  # as they were a while ago
        self._left = 0  # picks until they are listed anew

    def silent(self) -> list[N]:
        """The nodes of the key that goes to make room for another key, if one may."""
        found: list[N] = []
        longest = 0.0
        for key in self._some():
            slot = self._slots.get(key)
            if slot is None or not slot.nodes or any(node.running for node in slot.nodes):
                continue
            heard = max(node.last_check for node in slot.nodes)
            if not found or heard < longest:
                found, longest = list(slot.nodes), heard
        return found

    def _some(self) -> list[bytes]:
        if self._left <= 0:
            self._keys = list(self._slots)
            self._left = len(self._keys) // 4
        self._left -= 1
        if len(self._keys) <= LOOK:
            return self._keys
        from random import choices

        return choices(self._keys, k=LOOK)
