"""How the HTTP router asks a node without waiting: a head that is all there, sent on at once.

Section:  scaling / http; requests that need no task, asking
What:     makes the packet of a request without a body, and sends it over a connection that is kept
          or over a new one.  What takes longer than that is left to a task, with what is known
          by then: the head that was read, the attempt that was begun.
Units:    seconds, bytes.
Errors:   `HeadError`, OSError: a task meets them again, and has the time to tell.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from socket import SocketType
from typing import Any, Final

from refuwsgi.gateway_reach import attempt
from refuwsgi.gateway_straight import NODE_SPEAKS, Steps, Straight
from refuwsgi.protocol.http import MAX_HEADERS, head_end, read_head
from refuwsgi.scaling.http_answer import Answer
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_link import KEEP
from refuwsgi.scaling.http_links import Link
from refuwsgi.scaling.http_packet import Ready
from refuwsgi.scaling.http_session import Session

STAY: Final = bytes([KEEP])


class AskingSession(Session, ABC):
    """A client's visit, of which the asking needs no task."""

    __slots__ = ("_bodiless", "_data", "_link", "_straight", "_to_client", "_watched", "since")

    def __init__(self, door: RouterDoor, client: SocketType, peer: Any, straight: Straight) -> None:
        super().__init__(door, client, peer)
        self.since = 0.0
        self._straight = straight
        self._data = b""  # the request that is being answered
        self._link: Link | None = None  # if the connection to the worker may be kept
        self._bodiless = False  # is the answer one to HEAD
        self._watched = False  # is the client
        self._to_client = b""  # what it has not taken

    def _ask(self, data: bytes, ready: Ready | bytes | None) -> bool:
        """Pass on what is one request without a body; False when that takes a task."""
        door, heads = self._door, self._heads
        if ready is None:
            ready = door.ready(data, heads.peer)
        if isinstance(ready, bytes):
            packet, keep, bodiless = self._read(data, ready)
            if not packet:
                return False
        else:
            packet, self._host, keep = ready
            bodiless = False
        followed = keep and door.rules.idle > 0
        self.since = time.monotonic()
        if not (followed and self._send_over_link(packet)) and not self._send(packet):
            return False
        self._data, heads.data = data, b""
        self._known = self._targets = None
        self._received = 0
        self._answer = None
        self._bodiless = bodiless
        if followed:
            self._answer = Answer(bodiless=bodiless, auto_chunked=door.rules.auto_chunked)
        self._straight.part(self)
        self._straight.wait(self)
        return True

    def _send_over_link(self, packet: bytes) -> bool:
        """Send a packet over a connection that is kept; False when there are none here."""
        links = self._door.links
        if links is None:
            return False
        packet = packet[:3] + STAY + packet[4:]
        link = links.take(packet, self)
        if link is None:
            if not self._send(packet, watched=False):
                return False
            assert self._node is not None
            link = links.new(self._node, self)
        self._link, self._node = link, link.sock
        return True

    def _send(self, packet: bytes, *, watched: bool = True) -> bool:
        """Send a packet over a new connection; False when that takes a task."""
        if self._begun is not None:
            return False
        targets = self._targets = self._door.nodes.targets(self.since)
        target = next(targets, None)
        if target is None:
            return False
        self._target = target
        begun = attempt(target.family, target.names[0], (packet,))
        node, sent, _ = begun
        if sent != len(packet):
            self._begun = begun
            return False
        self._node = node
        if watched:
            self._straight.watch(node.fileno(), NODE_SPEAKS, self.node_speaks)
        return True

    def _read(self, data: bytes, key: bytes) -> tuple[bytes, bool, bool]:
        """The packet of a head whose like is not known; empty when that takes a task."""
        if head_end(data) != len(data):
            return b"", False, False
        head = self._known = read_head(data, MAX_HEADERS, key)
        environ = head.environ
        if head.content_length or head.chunked or head.expect or "HTTP_UPGRADE" in environ:
            return b"", False, False
        self._host = environ.get("HTTP_HOST", "")
        packet = self._door.packet(environ, *self._heads.peer)
        return packet, head.keep_alive, environ["REQUEST_METHOD"] == "HEAD"

    # -- what the straight way does with what comes of it

    @abstractmethod
    def node_speaks(self, events: int) -> None:
        """Take what the node says."""

    @abstractmethod
    def patiently(self) -> Steps:
        """Go on as a task."""

    @abstractmethod
    def task_ended(self) -> None:
        """The task has come to its end."""
