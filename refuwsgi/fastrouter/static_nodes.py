"""Static nodes: addresses that the operator names, for every key.

Section:  fastrouter / Post-buffering mode (uWSGI >= 2.0.9); fastrouter-to, which its example uses
What:     `To` takes its nodes in strict rotation and leaves a node that failed out for a while;
          `UseSocket` is the instance's own socket; the fallback nodes are tried, in their order,
          when the node that a way named does not take the connection.
Units:    `now` and the gracetime are seconds.
Errors:   OptionError for a text that names no node.  All nodes in grace: there is no node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from refuwsgi.address import parse
from refuwsgi.gateway_rules import Asked, shown
from refuwsgi.nodes import Node
from refuwsgi.options import JOIN, Config, Option, flag, number, seconds, text


def _node(value: str) -> tuple[str, ...]:
    # Beyond: uWSGI starts with any text and closes each session.
    try:
        kind = parse(value).kind
    except ValueError as problem:
        raise ValueError(f"no node can be reached at {value!r}: {problem}") from None
    if kind not in ("tcp", "unix", "abstract"):
        raise ValueError(f"expected the address of a node, got {value!r}")
    return (value,)


TO: Option[tuple[str, ...]] = Option(
    "fastrouter-to",
    _node,
    default=(),
    help="send the requests to this node, whatever their key; several take turns",
    repeat=JOIN,
)
GRACETIME = Option(
    "fastrouter-gracetime",
    seconds,
    default=30.0,
    help="leave a node of fastrouter-to that failed out for this many seconds",
)
FALLBACK: Option[tuple[str, ...]] = Option(
    "fastrouter-fallback",
    _node,
    default=(),
    help="try this node when the right one does not take the connection; several in their order",
    repeat=JOIN,
)
FALLBACK_ON_NO_KEY = Option(
    "fastrouter-fallback-on-no-key",
    flag,
    default=False,
    help="use the fallback nodes for a key that has no node, too",
    bare="true",
)
USE_SOCKET: Option[str | None] = Option(
    "fastrouter-use-socket",
    text,
    default=None,
    help="send the requests to the instance's own socket of this number",
    bare="0",
)


class Static:
    """A node that the operator named."""

    __slots__ = ("address", "hits", "modifier1", "modifier2", "since")

    def __init__(self, address: str) -> None:
        # uWSGI: ``,modifier1`` is not taken off here.
        self.address = address
        self.modifier1 = self.modifier2 = 0
        self.hits = 0
        self.since = 0.0  # when it was found dead; 0 means that it lives


class To:
    """The chooser that takes the nodes in turn."""

    again = True

    def __init__(
        self, addresses: Sequence[str], gracetime: float, say: Callable[[str], None]
    ) -> None:
        self.nodes = [Static(address) for address in addresses]
        self._gracetime = gracetime
        self._say = say
        self.turn = 0  # which node is next

    def choose(self, asked: Asked, now: float) -> Static | None:
        """Name the next node that lives, or whose gracetime is over."""
        for _ in self.nodes:
            node = self.nodes[self.turn]
            self.turn = (self.turn + 1) % len(self.nodes)
            if not node.since or now - node.since > self._gracetime:
                node.since = 0.0
                node.hits += 1
                return node
        return None

    def failed(self, target: Static, asked: Asked, now: float) -> None:
        """Leave a node out for the gracetime."""
        target.since = now
        self._say(f"[uwsgi-fastrouter] {shown(asked.key)} => marking {target.address} as failed")

    def ended(self, target: Static, received: int, sent: int) -> None:
        """Do nothing: a static node has no more to be counted."""


class UseSocket:
    """The way of mapping that knows one node: the instance itself."""

    def __init__(self, address: str | None) -> None:
        self._node = None if address is None else Node(address)

    def node_for(self, key: bytes) -> Node | None:
        """Name the instance's socket."""
        return self._node


def configured_to(config: Config, say: Callable[[str], None]) -> To | None:
    """Build the rotation of static nodes, if there are any."""
    nodes = config[TO]
    return To(nodes, config[GRACETIME], say) if nodes else None


def configured_use_socket(config: Config, sockets: Sequence[str]) -> UseSocket | None:
    """Build the way that the operator asked for, if it is this one."""
    value = config[USE_SOCKET]
    if value is None:
        return None
    wanted = number(value or "0")
    return UseSocket(sockets[wanted] if wanted < len(sockets) else None)
