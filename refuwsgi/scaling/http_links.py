"""Connections to the worker that the HTTP router keeps.

Section:  scaling / http; kept connections to the worker
What:     behind the private socket both ends are ours.  If the instance has one core, nobody else
          could take the next connection, so the router may use the last one again.  It asks for
          that, with `KEEP` in its packet, when it follows the answer and will know its end; the
          core stays if the answer tells its end, and closes otherwise.

              session --take--> link --answered--> idle --take--> ...
                                  |                  |
                                  +--- closed by the worker: dropped

          With more cores a connection of its own lets the kernel find one that is free.
Units:    none.
Errors:   a link that has ended while it was idle is dropped; what was sent on it just then has
          not been read, and is sent again.
"""

from __future__ import annotations

from socket import SocketType
from typing import Final, Protocol

from refuwsgi.gateway_straight import NODE_SPEAKS, Straight

KEPT: Final = 16  # links that are idle


class Listener(Protocol):
    """Who is told what the worker says."""

    def node_speaks(self, events: int) -> None:
        """Take what the worker says."""


class Link:
    """A connection to the worker."""

    __slots__ = ("_links", "listener", "sock", "used")

    def __init__(self, links: Links, sock: SocketType) -> None:
        self._links = links
        self.sock = sock
        self.listener: Listener | None = None
        self.used = False  # has it carried a request before this one

    def speaks(self, events: int) -> None:
        """Pass it on; an idle link has nothing to say but that it has ended."""
        if self.listener is not None:
            self.listener.node_speaks(events)
        else:
            self._links.drop(self)


class Links:
    """The links of one router process."""

    def __init__(self, straight: Straight) -> None:
        self._straight = straight
        self._idle: list[Link] = []

    def new(self, sock: SocketType, listener: Listener) -> Link:
        """A link over a new connection."""
        link = Link(self, sock)
        link.listener = listener
        self._straight.watch(sock.fileno(), NODE_SPEAKS, link.speaks)
        return link

    def take(self, data: bytes, listener: Listener) -> Link | None:
        """Send a request over an idle link; None when there is none that takes it."""
        while self._idle:
            link = self._idle.pop()
            try:
                sent = link.sock.send(data)
            except OSError:
                sent = -1
            if sent == len(data):
                link.listener, link.used = listener, True
                return link
            self._straight.close(link.sock)
        return None

    def give_back(self, link: Link) -> None:
        """A link has carried a whole answer."""
        link.listener = None
        if len(self._idle) < KEPT:
            self._idle.append(link)
        else:
            self._straight.close(link.sock)

    def drop(self, link: Link) -> None:
        """Forget an idle link."""
        self._idle.remove(link)
        self._straight.close(link.sock)
