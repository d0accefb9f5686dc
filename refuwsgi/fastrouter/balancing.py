"""Balancing: which of a key's nodes is next.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; which node is next
What:     an algorithm looks at the living nodes of a key, in the order in which they joined, and
          names one.

    wrr      round robin by weight: a node's turns are used up one by one, then dealt again
    lrc      the node with the fewest running requests; among equals, the least used
    wlrc     the same, with the running requests divided by the weight
    iphash   the same client meets the same node, as long as the nodes stay the same

          Nodes of the lowest backup level stand for election; a higher level serves only while
          nobody of a lower one lives.
Units:    weight, turns and requests are counts.
Errors:   `OptionError` for an algorithm that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from refuwsgi.options import Config, Option, text
from refuwsgi.protocol.subscription import hash_of

SUBSCRIPTION_ALGO = Option(
    "subscription-algo",
    text,
    default="wrr",
    help="how the nodes of a key share its requests: wrr, lrc, wlrc or iphash",
)


class Candidate(Protocol):
    """What an algorithm may look at, and the one thing that it may change: the turns."""

    weight: int
    backup: int
    turns: int
    running: int

    @property
    def last_requests(self) -> int:
        """The requests that it was chosen for since it last announced itself."""


C = TypeVar("C", bound=Candidate)


def wrr(nodes: Sequence[C], client: bytes) -> C:
    """Take the first node that has turns left; deal anew when nobody has."""
    for node in nodes:
        if node.turns > 0:
            node.turns -= 1
            return node
    smallest = min([node.weight for node in nodes])
    for node in nodes:
        node.turns = node.weight // smallest
    # uWSGI: the round starts with the last node, so two equals alternate from the younger one.
    nodes[-1].turns -= 1
    return nodes[-1]


def lrc(nodes: Sequence[C], client: bytes) -> C:
    """Take the node with the fewest running requests."""
    return min(nodes, key=lambda node: (node.running, node.last_requests))


def wlrc(nodes: Sequence[C], client: bytes) -> C:
    """Take the node with the fewest running requests for its weight."""
    return min(nodes, key=lambda node: (node.running / node.weight, node.last_requests))


def iphash(nodes: Sequence[C], client: bytes) -> C:
    """Take the node that the client's address falls on."""
    # Beyond: 2.0 does not have it.
    return nodes[hash_of(client) % len(nodes)]


Algorithm = Callable[[Sequence[C], bytes], C]

ALGORITHMS: dict[str, Algorithm[Any]] = {"wrr": wrr, "lrc": lrc, "wlrc": wlrc, "iphash": iphash}
NAMES = tuple(ALGORITHMS)


def choose(algorithm: str, nodes: Sequence[C], client: bytes) -> C:
    """Name the node of `nodes`, which are alive and at least one, whose turn it is."""
    if len(nodes) == 1 and algorithm != "wrr":
        return nodes[0]
    standing = nodes
    for node in nodes:
        if node.backup:
            standing = _foremost(nodes)
            break
    found: C = ALGORITHMS.get(algorithm, wrr)(standing, client)
    return found


def _foremost(nodes: Sequence[C]) -> Sequence[C]:
    """The nodes of the lowest backup level."""
    level = min(node.backup for node in nodes)
    return [node for node in nodes if node.backup == level]


def configured(config: Config) -> str:
    """The algorithm that the operator chose."""
    name = config[SUBSCRIPTION_ALGO]
    if name not in NAMES:
        # Departure: uWSGI takes an unknown name for wrr without a word.
        raise config.error(SUBSCRIPTION_ALGO, "one of " + ", ".join(NAMES))
    return name
