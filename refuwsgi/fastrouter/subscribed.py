"""What is known of a node that has subscribed, and of the key that it has subscribed to.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; nodes and slots
What:     a node under one key, with its books; the nodes of a key, and what is to be known of them
          together so that a request need not look at each.
Units:    `now` is monotonic, in seconds; cores, load, weight and requests are counts.
Errors:   none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from refuwsgi.fastrouter.balancing import ALGORITHMS, Algorithm
from refuwsgi.protocol.subscription import Announcement

LOOK: Final = -math.inf  # nothing is known: look at each node
KNOWN: Final = 1000  # turns


class Sender(NamedTuple):
    """The process that sent an announcement, where the kernel vouches for it."""

    pid: int = 0
    uid: int = 0
    gid: int = 0


NOBODY = Sender()


class Subscribed:
    """A node under one key."""

    __slots__ = (
        "_before", "address", "backup", "cores", "dead", "failures", "key", "last_check", "load",
        "modifier1", "modifier2", "received", "requests", "running", "sender", "sent",
        "turns", "weight",
    )  # fmt: skip

    def __init__(self, said: Announcement, address: str, sender: Sender, now: float) -> None:
        self.key = said.key
        self.address = address
        # uWSGI: the first announcement decides the modifiers; later ones only renew the rest.
        self.modifier1 = said.modifier1
        self.modifier2 = said.modifier2
        self.sender = sender
        self.requests = self.running = self.failures = self.turns = 0
        self.received = self.sent = 0  # bytes from the node, bytes to it
        self.renew(said, now)

    @property
    def last_requests(self) -> int:
        """The requests since it last announced itself."""
        return self.requests - self._before

    def renew(self, said: Announcement, now: float) -> None:
        """Take over what the node says of itself today."""
        self.dead = False
        self.last_check = now
        self._before = self.requests
        self.cores, self.load, self.weight = said.cores, said.load, said.weight
        self.backup = said.backup


class Slot:
    """A key, and its nodes in the order in which they joined."""

    __slots__ = ("algorithm", "hits", "left", "next", "nodes", "oldest")

    nodes: tuple[Subscribed, ...]  # smaller than a list, and nearly always one
    oldest: float  # if all nodes are alive and none is a backup: none was heard of before that
    left: list[Subscribed] | None  # whose turns are left of a round, the next one last
    next: Algorithm[Subscribed]  # says whose turn it is when none are left

    def __init__(self, algorithm: str, nodes: tuple[Subscribed, ...] = ()) -> None:
        self.algorithm = algorithm
        self.hits = 0
        self.consist_of(nodes)

    def consist_of(self, nodes: tuple[Subscribed, ...]) -> None:
        """Have these nodes, with their weights, from now on."""
        self.nodes = nodes
        self.left = None
        if len(nodes) == 1:
            self.next, (node,) = only, nodes
            self.oldest = LOOK if node.dead or node.backup else node.last_check
            return
        known = self.algorithm == "wrr" and few_turns(nodes)
        self.next = Rounds(self).begin if known else ALGORITHMS[self.algorithm]
        self.oldest = LOOK
        for node in nodes:
            if node.dead or node.backup:
                return
        if nodes:
            self.oldest = min([node.last_check for node in nodes])


def only(nodes: Sequence[Subscribed], client: bytes) -> Subscribed:
    """Take the only node that there is."""
    (node,) = nodes
    if node.turns:
        node.turns -= 1  # dealt when there were others
    return node


def few_turns(nodes: Sequence[Subscribed]) -> bool:
    """Whether a round is short enough to be dealt beforehand; weights are what a node says."""
    weights = [node.weight for node in nodes]
    return bool(weights) and sum(weights) <= KNOWN * min(weights)


class Rounds:
    """Round robin by weight: what `wrr` will say, dealt beforehand, for all rounds are the same."""

    __slots__ = ("_hands", "_order", "_slot")

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._hands: list[tuple[Subscribed, int]] = []  # who gets how many turns
        self._order: list[Subscribed] = []

    def begin(self, nodes: Sequence[Subscribed], client: bytes) -> Subscribed:
        """Take the node whose turn it is, and say in the slot whose turns come then."""
        if self._hands:
            for node, turns in self._hands:
                node.turns = turns
            left = self._order.copy()
        else:
            # A round that has begun with other nodes, or other weights, is not dealt again.
            left = [node for node in reversed(nodes) for _ in range(node.turns)]
            if not left:
                smallest = min([node.weight for node in nodes])
                self._hands = [(node, node.weight // smallest) for node in nodes]
                order = [node for node, turns in self._hands for _ in range(turns)]
                self._order = [*reversed(order[:-1]), order[-1]]  # it begins with the last node
                return self.begin(nodes, client)
        node = left.pop()
        node.turns -= 1
        self._slot.left = left
        return node
