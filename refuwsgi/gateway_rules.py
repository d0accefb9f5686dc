"""What the sessions of a gateway follow: what was asked, who names nodes, how bodies are kept.

Section:  ground / gateways; the rules of a session
What:     the contracts between a session, which is on the machine's floor, and the document that
          says what a key is and which node serves it.
Units:    seconds, bytes.
Errors:   `Failure` ends a session, with the status that an answer would have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from socket import SocketType
from typing import Any, Final, NamedTuple, Protocol

from refuwsgi.gateway_stores import Store
from refuwsgi.nodes import Node, Way

AGAIN: Final = 0.05  # when a node that declined is offered a descriptor again
REMEMBERED: Final = 4096  # nodes that declined
UNKNOWN: Final = -1  # a body whose size cannot be told

BAD = "400 Bad Request"
LATE = "408 Request Timeout"
BROKEN = "502 Bad Gateway"
UNAVAILABLE = "503 Service Unavailable"
SLOW = "504 Gateway Timeout"


class Asked(NamedTuple):
    """What a router needs to know of a request."""

    key: bytes
    length: int = 0  # of the body, as announced; 0 when nothing was said
    streams: bool = False  # bytes come that no length announces
    client: bytes = b""  # its address, as the web server saw it
    port: bytes = b""
    path: bytes = b""
    plain: bool = False  # there is a key, and nothing to come behind the packet


NOTHING_ASKED = Asked(b"")


class Chooser(Protocol):
    """Names nodes, and keeps books about them."""

    again: bool  # after a failure it has another node to offer

    @property
    def choose(self) -> Callable[[Asked, float], Any]:
        """Names a target (address, modifier1, modifier2), or None."""

    def failed(self, target: Any, asked: Asked, now: float) -> None:
        """Take note that a target did not take a connection."""

    def ended(self, target: Any, received: int, sent: int) -> None:
        """Take note that a session with a target is over."""


class Plain:
    """A chooser that asks a way and keeps no books."""

    def __init__(self, way: Way, *, again: bool) -> None:
        self.way = way
        self.again = again

    def choose(self, asked: Asked, now: float) -> Node | None:
        """Name the node of the key."""
        try:
            return self.way.node_for(asked.key)
        except OSError as problem:
            # In a session this would pass for a client that has left; it is a mistake of the way.
            raise RuntimeError(f"the way of mapping failed: {problem}") from problem

    def failed(self, target: Node, asked: Asked, now: float) -> None:
        """Forget it."""

    def ended(self, target: Node, received: int, sent: int) -> None:
        """Forget it."""


class Kept(Protocol):
    """A body that was read to its end before the node is asked."""

    memory: memoryview | None
    store: Store | None  # what holds it, if it is not in our memory

    def release(self) -> None:
        """Give back what held it."""


Keep = Callable[[SocketType, int, bytes, float], Awaitable[Kept | None]]


class Offers:
    """Which nodes get the descriptors of their clients.

    To send one along costs a tenth of a request.  A node that answers over its connection all the
    same, as uWSGI does, is therefore only asked now and then.
    """

    def __init__(self) -> None:
        self.not_before: dict[str, float] = {}  # address -> when it is to be asked again

    def to(self, address: str, now: float) -> bool:
        """Whether the node at this address is to be offered a client."""
        return self.not_before.get(address, 0.0) <= now

    def declined(self, address: str, now: float) -> None:
        """Take note that a node had no use for a descriptor."""
        if len(self.not_before) >= REMEMBERED:
            self.not_before.clear()
        self.not_before[address] = now + AGAIN


class Rules(NamedTuple):
    """How the sessions of a gateway go."""

    name: str  # in the log: "uwsgi-fastrouter"
    asked_of: Callable[[bytes], Asked]
    chooser: Chooser | None
    timeout: float
    say: Callable[[str], None]
    fallback: tuple[str, ...] = ()
    fallback_on_no_key: bool = False
    keep: Keep | None = None
    offers: Offers | None = None  # of descriptors, to nodes on UNIX sockets
    answers: bool = False  # instead of closing without a word
    quiet: bool = False  # about nodes that do not take a connection


class Failure(Exception):
    """Why a session ends early: the status that an answer would have, and the reason."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def shown(value: bytes | str) -> str:
    """A peer's text for our log: on one line, whatever it holds."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
