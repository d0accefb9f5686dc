"""A router that tells another router what was announced to it.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; the router above
What:     sends each announcement and each withdrawal on, with its key and modifiers, but with the
          first listening address of this router as the node.
Errors:   none: nobody may be listening up there, yet.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

from refuwsgi.options import JOIN, Config, Option, text, texts
from refuwsgi.protocol.subscription import Announcement, encode

RESUBSCRIBE = Option(
    "fastrouter-resubscribe",
    texts,
    default=(),
    help="send every announcement on to this subscription server, with our address",
    repeat=JOIN,
)
RESUBSCRIBE_BIND: Option[str | None] = Option(
    "fastrouter-resubscribe-bind",
    text,
    default=None,
    help="the UDP address from which announcements are sent on",
)


class Sending:
    """A way to a subscription server: one socket for all that goes there."""

    def __init__(self, server: str, bind: str | None = None) -> None:
        host, colon, port = server.rpartition(":")
        self._target: tuple[str, int] | str
        if colon and not server.startswith("/"):
            if not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"expected a host and a port, got {server!r}")
            self._family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
            self._target = (host.strip("[]") or "127.0.0.1", int(port))
        else:
            self._family, self._target = socket.AF_UNIX, server
        self._bind = bind
        self._sock: socket.socket | None = None

    def send(self, datagram: bytes) -> str | None:
        """Send without waiting; say what went wrong, if anything did."""
        try:
            if self._sock is None:
                kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
                self._sock = socket.socket(self._family, kind)
                if self._bind:
                    host, _, port = self._bind.rpartition(":")
                    self._sock.bind((host.strip("[]"), int(port)))
            self._sock.sendto(datagram, self._target)
        except OSError as problem:
            return problem.strerror or str(problem)
        return None


class Resubscribe:
    """Sends announcements on to the routers above."""

    def __init__(self, servers: Sequence[str], bind: str | None, address: str) -> None:
        self._ways = [Sending(server, bind) for server in servers]
        self._address = address.encode("latin-1")

    def forward(self, said: Announcement) -> None:
        """Send on what a node said, as if it were ours."""
        ours = Announcement(
            said.key,
            self._address,
            said.withdraws,
            said.modifier1,
            said.modifier2,
            weight=0,
        )
        for way in self._ways:
            with contextlib.suppress(ValueError):
                way.send(encode(ours))


def configured(config: Config, address: str) -> Resubscribe | None:
    """Build what tells the routers above, if there are any."""
    servers = config[RESUBSCRIBE]
    if not servers:
        return None
    try:
        return Resubscribe(servers, config[RESUBSCRIBE_BIND], address)
    except ValueError as problem:
        raise config.error(RESUBSCRIBE, str(problem).removeprefix("expected ")) from None
