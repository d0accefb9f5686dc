"""What the sessions of one address of the HTTP router have in common.

Section:  scaling / http; a public address
What:     the rules, the nodes, the packets of an address, and the clients that are only waiting
          there: when the router leaves, they have nothing to lose.
Units:    none.
Errors:   none of its own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi.scaling import http_packet
from refuwsgi.scaling.http_links import Links
from refuwsgi.scaling.http_nodes import Nodes
from refuwsgi.scaling.http_options import Rules
from refuwsgi.scaling.http_packet import Packets, Ready

if TYPE_CHECKING:
    import ssl


class RouterDoor:
    """One public address."""

    __slots__ = ("idle", "leaving", "links", "modifiers", "nodes", "packets", "plain",
                 "redirects_to", "rules", "tcp", "tls")  # fmt: skip

    def __init__(
        self,
        rules: Rules,
        nodes: Nodes,
        packets: Packets,
        *,
        tcp: bool = True,
        modifiers: tuple[int, int] = (0, 0),
        leaving: Callable[[], bool] = lambda: False,
        tls: ssl.SSLContext | None = None,
        redirects_to: str | None = None,
    ) -> None:
        self.rules = rules
        self.nodes = nodes
        self.tcp = tcp
        self.leaving = leaving
        self.tls = tls
        self.redirects_to = redirects_to  # the port of https, if clients are to go there
        self.idle: set[socket.SocketType] = set()  # clients that are kept and ask nothing
        self.links: Links | None = None
        self.packets = packets
        self.modifiers = modifiers
        # Whether requests without a body may go the straight way here.
        self.plain = (
            redirects_to is None and tls is None and not (rules.raw_body or rules.proxy_protocol)
        )

    def keep_links(self, links: Links | None) -> None:
        """Keep connections to the worker, unless the operator wants modifiers in the packets."""
        self.links = None if any(self.modifiers) else links

    def packet(self, environ: dict[str, str], address: str, port: str) -> bytes:
        """Make the packet of a request."""
        block = self.packets.block(environ, address, port)
        return http_packet.packet(block, *self.modifiers)

    def ready(self, data: bytes, peer: tuple[str, str]) -> Ready | bytes:
        """Make the packet at once, if what has come is one plain request whose like is known.

        It is one whole head then, of a GET without a body, without Upgrade, without Expect.
        Otherwise give what `read_head` is to learn it by, if it turns out to be one whole head.
        """
        return self.packets.ready(data, peer, self.modifiers) if self.plain else b""

    def dismiss(self) -> None:
        """End the sessions of clients that are only waiting."""
        for client in self.idle:
            try:
                client.shutdown(socket.SHUT_RD)  # its session wakes up and finds the end
            except OSError:
                pass  # it has gone
