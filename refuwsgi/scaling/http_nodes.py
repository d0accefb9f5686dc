"""The nodes behind the HTTP router: the instance's own workers, or those that the operator names.

Section:  scaling / http; its nodes
What:     says who is to be tried for a request, in order.  Nodes of ``http-to`` take turns; one
          that did not take a connection is left out for the gracetime; after them come those of
          ``http-fallback``.
Units:    seconds.
Errors:   OptionError for a node whose address is none, or whose host has no address.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Final

from refuwsgi import address as addresses
from refuwsgi.gateway_names import names_of
from refuwsgi.gateway_reach import Name
from refuwsgi.options import JOIN, Config, Option, OptionError, number, seconds, text, texts

TO: Option[tuple[str, ...]] = Option(
    "http-to",
    texts,
    default=(),
    help="send the requests to this node instead of workers of our own; several take turns",
    repeat=JOIN,
)
USE_SOCKET: Option[str | None] = Option(
    "http-use-socket",
    text,
    default=None,
    help="send the requests to the instance's own socket of this number",
    bare="0",
)
FALLBACK: Option[tuple[str, ...]] = Option(
    "http-fallback",
    texts,
    default=(),
    help="try this node when the others do not take the connection; several in their order",
    repeat=JOIN,
)
GRACETIME = Option(
    "http-gracetime",
    seconds,
    default=30.0,
    help="leave a node of http-to that failed out for this many seconds",
)

ATTEMPTS: Final = 4  # the first and three more, as uWSGI


class Target:
    """A node, and what connect() takes for it."""

    __slots__ = ("address", "family", "hits", "names", "since")

    def __init__(self, text_: str) -> None:
        self.address = text_
        self.family, self.names = _place(text_)
        self.hits = 0
        self.since = 0.0  # when it was found dead; 0 means that it lives


def _place(text_: str) -> tuple[int, tuple[Name, ...]]:
    try:
        found = addresses.parse(text_)
        if found.kind == "unix":
            # A later chdir must not change what it means.
            return socket.AF_UNIX, (os.path.abspath(found.path),)
        if found.kind == "tcp" and found.host:
            return _resolved(found.host, found.port)
        return names_of(text_)
    except ValueError as problem:
        raise OptionError(f"no node can be reached at {text_!r}: {problem}") from None


def _resolved(host: str, port: int) -> tuple[int, tuple[Name, ...]]:
    # Beyond: uWSGI takes numbers only.  Once, at the start: later it would hold up every session.
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OptionError(f"unable to resolve the host {host!r} of a node") from None
    family = found[0][0]
    names = dict.fromkeys(str(name[0]) for kind, *_, name in found if kind == family)
    return family, tuple((name, port) for name in names)


class Nodes:
    """Knows who is to be tried."""

    def __init__(
        self,
        main: Sequence[str],
        fallback: Sequence[str] = (),
        gracetime: float = 30.0,
        *,
        fixed: bool = False,
    ) -> None:
        self.main = [Target(each) for each in main]
        self._fallback = [Target(each) for each in fallback]
        self._gracetime = gracetime
        self._fixed = fixed  # our own workers: there is no other to go to
        self._turns = cycle(self.main)

    def targets(self, now: float, tried: int = 0) -> Iterator[Target]:
        """Every target that is to be tried, in order, until one takes the connection."""
        for _ in range((1 if self._fixed else ATTEMPTS) - tried):
            found = self.next(now)
            if found is None:
                break
            yield found
        yield from self._fallback

    def next(self, now: float) -> Target | None:
        """Name the one whose turn it is; None when all are left out."""
        for node in islice(self._turns, len(self.main)):
            if not node.since or now - node.since > self._gracetime:
                node.since = 0.0
                node.hits += 1
                return node
        return None

    def failed(self, target: Target, now: float) -> bool:
        """Leave a target out for the gracetime; say whether it is one of those that take turns."""
        if self._fixed or target not in self.main:
            return False
        target.since = now
        return True


def standalone(config: Config) -> bool:
    """Say whether the operator names the nodes, so that no worker of ours is asked."""
    return bool(config[TO]) or config.given(USE_SOCKET)


def configured(config: Config, own: Sequence[str], link: str | None) -> Nodes:
    """Say which nodes there are; `own` are the instance's sockets, `link` the one to use."""
    fallback, grace = config[FALLBACK], config[GRACETIME]
    wanted = config[USE_SOCKET]
    if wanted is not None:
        place = number(wanted or "0") if (wanted or "0").isdigit() else len(own)
        if place >= len(own):
            raise config.error(USE_SOCKET, "the number of a socket of this instance")
        return Nodes([own[place]], fallback, grace, fixed=True)
    if config[TO]:
        return Nodes(config[TO], fallback, grace)
    return Nodes([link] if link else [], fallback, grace, fixed=True)
