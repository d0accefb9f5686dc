"""Two ends of a session: how a gateway moves bytes both ways.

Section:  ground / gateways; the relay
What:     `Relay` carries what comes from either side to the other, until the node has said
          everything.

              client ---- READ ----> [to_node]   ---- WRITE ----> node
              client <--- WRITE ---- [to_client] <--- READ ------ node

          A side whose bytes have not been taken is not read: what waits here is one chunk at most.
          A client from which no byte is due is not even registered; after a moment it is heard,
          so that one that was reset does not keep a session.  A client that ends its half
          (shutdown) still gets its answer; the node is told.
Units:    seconds, bytes.
Errors:   `NodeError` for a node that breaks the connection, OSError for the client's side,
          TimeoutError when nothing moves.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from typing import Final

from refuwsgi.gateway_reach import Bytes, NodeError
from refuwsgi.gateway_straight import NODE_SPEAKS
from refuwsgi.loop import READ, WRITE, Wait, wait
from refuwsgi.waiting import END, NOW

CHUNK: Final = 256 * 1024  # one read; a stream costs a call for each of them
RECEIVE: Final = 16384  # of a client's packet or head, and what follows it, in one read
RUNS: Final = 16  # chunks of one side before others get their turn
LINGER: Final = 1.0
ENDLESS: Final = -1  # a body that lasts as long as the session

# One buffer for all: it is filled and emptied without a pause in between.
buffer = memoryview(bytearray(CHUNK))


def received(client: socket.SocketType) -> bytes:
    """What has come of a client, in a piece of memory of its own.

    Not by recv(): that makes room for all it may get and gives most of it back, and what is kept
    between such rooms, for clients that are slow, breaks the heap into pieces.
    """
    return buffer[: client.recv_into(buffer, RECEIVE, NOW)].tobytes()


def taken(client: socket.SocketType, data: Bytes) -> int:
    """Send a client what it takes now; say how much."""
    try:
        return client.send(data, NOW)
    except BlockingIOError:
        return 0


def rest_of(data: Sequence[Bytes], sent: int) -> list[memoryview]:
    """What is left of `data` when `sent` bytes have gone."""
    left = []
    for part in data:
        if sent < len(part):
            left.append(memoryview(part)[sent:])
        sent = max(0, sent - len(part))
    return left


class Relay:
    """A client and a node, and what is on its way between them."""

    __slots__ = (
        "_client", "_client_speaks", "_file", "_hears", "_node", "_node_speaks", "_state",
        "_timeout", "_to_node", "_unheard", "_wait", "deserted", "given", "left", "received",
        "sent", "taken", "to_client",
    )  # fmt: skip

    grace = 0.2  # how long a client from which nothing is due goes unwatched
    _hidden: Callable[[], bool] | None = None  # are bytes of it here, of which no wait would tell

    def __init__(
        self,
        client: socket.SocketType,
        node: socket.SocketType,
        to_node: list[memoryview],
        timeout: float,
        left: int = ENDLESS,
        *,
        due: bool = True,
    ) -> None:
        self._client, self._node = client, node
        self._to_node = to_node
        self.to_client: Bytes = b""  # what it has not taken yet
        self._file: tuple[int, int, int] | None = None  # descriptor, position, end
        self._node_speaks = self._client_speaks = True
        self._hears = due  # are bytes of the client expected
        self._unheard = False
        self._timeout = timeout
        self._state = -1
        self._wait: Wait | None = None
        self.given = False  # the node has the client's descriptor and may answer on it
        self.deserted = False  # the client has ended its half: it may have gone
        self.left = left  # bytes that the client has still to send, or ENDLESS
        self.received = 0  # from the node
        self.sent = 0  # to the node, in addition to what was sent before
        self.taken = 0  # from the client

    def send_file(self, descriptor: int, size: int) -> None:
        """Let the node have a file, after what is on its way already."""
        self._file = (descriptor, 0, size)

    def resume(self, received: int, to_client: bytes) -> None:
        """Go on where somebody else has begun to pass the answer on."""
        self.received, self.to_client = received, memoryview(to_client)

    async def run(self) -> None:
        """Carry until the node has ended and the client has all that it said."""
        while self._node_speaks or self.to_client:
            if self._hidden is not None and self._hidden():
                self._of_client()
                continue
            try:
                ready = await wait(self._wanted())
            except TimeoutError:
                if not self._unheard:
                    raise
                self._hears = True  # the node takes its time: now also hear the client
                continue
            node = self._node
            if node in ready:
                self._of_node(ended=len(ready) > 1 and (node, END) in ready)
            if self._client in ready:
                self._of_client()

    def _wanted(self) -> Wait:
        """What to wait for in this state; the same object as long as it lasts."""
        sending = self._to_node or self._file
        client, node = 0, WRITE if sending else 0
        if self.to_client:
            client = WRITE
        elif self._node_speaks:
            node |= NODE_SPEAKS
        quiet = not (sending or client or self.given)
        if self._client_speaks and self._hears and not (sending or self.given):
            client |= READ
        self._unheard = quiet and self._client_speaks and not client
        state = node << 3 | client << 1 | self._unheard
        if state != self._state or self._wait is None:
            patience = self._timeout
            if self._unheard:
                patience = self.grace if self.grace * 2 < patience else patience / 2
            interests: tuple[tuple[socket.SocketType, int], ...] = ((self._node, node),)
            if client:
                both = (self._client, client)
                interests = (*interests, both) if node else (both,)
            self._state, self._wait = state, Wait(interests, patience)
        return self._wait

    # -- from the node

    def _of_node(self, *, ended: bool) -> None:
        """Take what the node says; `ended` when all of it has come."""
        if self._to_node or self._file:
            self._send_on()
        for _ in range(RUNS):
            if not self._node_speaks or self.to_client:
                return
            try:
                size = self._node.recv_into(buffer)
            except BlockingIOError:
                return
            except OSError as problem:
                raise NodeError(problem.strerror) from None
            if size:
                self.received += size
                self._answered(buffer[:size])
            if not size or (ended and size < CHUNK and not self.to_client):
                self._node_ended()
                return

    def _answered(self, data: memoryview) -> None:
        """The node has said something."""
        if self.given:
            # It answers over its connection: it has ignored the descriptor.
            self.given, self._hears = False, True
        self._give(data)

    def _node_ended(self) -> None:
        """The node has said everything."""
        self._node_speaks = False

    def _give(self, data: Bytes) -> None:
        """Send a piece to the client; keep what it does not take now."""
        gone = taken(self._client, data)
        if gone < len(data):
            self.to_client = memoryview(bytes(data[gone:]))

    # -- from the client

    def _of_client(self) -> None:
        if self.to_client:
            try:
                self.to_client = self.to_client[self._client.send(self.to_client, NOW) :]
            except BlockingIOError:
                return
        for _ in range(RUNS):
            if self._to_node or self._file or not self._client_speaks or not self._hears:
                return
            left = self.left
            if not left:
                self._look()
                return
            try:
                part = buffer[:left] if 0 < left < CHUNK else buffer
                size = self._client.recv_into(part, 0, NOW)
            except BlockingIOError:
                return
            if not size:
                self._client_ended()
                return
            self.taken += size
            if left > 0:
                self.left = left - size
                self._hears = left > size
            self._pass(size)

    def _look(self) -> None:
        """See why a client from which nothing is due can be read; OSError: it was reset."""
        try:
            self.deserted = not self._client.recv(1, socket.MSG_PEEK | NOW)
        except BlockingIOError:
            return
        # Another request already, or the end of its half: neither is of interest now.
        # Departure: for uWSGI a client of the HTTP router that ends its half has gone.
        self._client_speaks = False

    def _client_ended(self) -> None:
        """The client has ended its half: let the node know, it may answer."""
        self._client_speaks, self.deserted = False, True
        with contextlib.suppress(OSError):  # it has gone: its own end tells
            self._node.shutdown(socket.SHUT_WR)

    # -- to the node

    def _pass(self, size: int) -> None:
        """Send a chunk to the node; keep what it does not take now."""
        gone = self._sent(lambda: self._node.send(buffer[:size]))
        if 0 <= gone < size:
            self._to_node = [memoryview(bytes(buffer[gone:size]))]

    def _send_on(self) -> None:
        """Send what waits for the node: bytes first, then the file."""
        waiting = self._to_node
        if waiting:
            gone = self._sent(lambda: self._node.sendmsg(waiting))
            self._to_node = rest_of(waiting, gone) if gone >= 0 else []
        elif self._file is not None:
            file, place, end = self._file
            gone = self._sent(lambda: os.sendfile(self._node.fileno(), file, place, end - place))
            self._file = (file, place + gone, end) if 0 <= gone < end - place else None

    def _sent(self, send: Callable[[], int]) -> int:
        """Count what went to the node; -1 when it takes no more."""
        try:
            gone = send()
        except BlockingIOError:
            return 0
        except OSError:
            # It hears no more, but may have answered: what it said is still to be read.
            self._client_speaks = False
            self._to_node, self._file = [], None
            return -1
        self.sent += gone
        return gone


async def linger(client: socket.SocketType) -> None:
    """End our half and read on for a moment: closing on unread bytes would destroy the answer."""
    client.shutdown(socket.SHUT_WR)
    wanted = Wait(((client, READ),), LINGER)
    for _ in range(RUNS):
        try:
            await wait(wanted)
            if not client.recv_into(buffer, 0, NOW):
                return
        except BlockingIOError:
            pass
