"""One request and its answer: what moves between a client and the node that serves it.

Section:  scaling / http; the exchange
What:     carries the rest of a request's body to the node and the answer to the client.

              client ---- READ ----> [to_node]   ---- WRITE ----> node
              client <--- WRITE ---- [to_client] <--- READ ------ node

          A side whose bytes have not been taken is not read: what waits here is one chunk at most.
          A client from which no byte is due is not even registered; after a moment it is looked
          at, so that one that was reset does not keep a session.  A client that ends its half
          gets its answer.
Units:    seconds, bytes.
Errors:   `NodeError` for a node that breaks the connection; OSError for the client's side;
          TimeoutError when nothing moves.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Final

from refuwsgi.gateway_relay import NodeError, rest_of
from refuwsgi.loop import READ, WRITE, Wait, wait
from refuwsgi.scaling.http_answer import Answer

CHUNK: Final = 256 * 1024  # one read; a stream costs a call for each of them
RUNS: Final = 16  # chunks of one side before others get their turn
GRACE: Final = 0.5  # how long a client from which nothing is due goes unwatched
ENDLESS: Final = -1  # a body that lasts as long as the session

# One buffer for all: it is filled and emptied without a pause in between.
_buffer = memoryview(bytearray(CHUNK))


class Exchange:
    """A client, a node, and what is on its way between them."""

    __slots__ = (
        "_answer", "_client", "_client_speaks", "_file", "_looks", "_node", "_node_speaks",
        "_pending",        "_timeout", "_to_client", "_to_node", "_waits", "left", "received",
    )  # fmt: skip

    def __init__(
        self,
        client: socket.SocketType,
        node: socket.SocketType,
        to_node: list[memoryview],
        left: int,
        answer: Answer | None,
        timeout: float,
    ) -> None:
        self._client, self._node = client, node
        self._to_node = to_node
        self._to_client = memoryview(b"")
        self._file: tuple[int, int, int] | None = None  # descriptor, position, end
        self._answer = answer  # None: it is passed on without being understood
        self._timeout = timeout
        self._pending: Callable[[], int] | None = getattr(client, "pending", None)
        self._node_speaks = self._client_speaks = True
        self._looks = False  # is a client from which nothing is due looked at
        self._waits: dict[int, Wait] = {}
        self.left = left  # of the body: bytes that the client has still to send, or ENDLESS
        self.received = 0  # from the node

    def send_file(self, descriptor: int, size: int) -> None:
        """Let the node have a file, after what is on its way already."""
        self._file = (descriptor, 0, size)

    async def run(self) -> None:
        """Carry until the answer has ended and the client has all of it."""
        while self._node_speaks or self._to_client:
            if self._pending is not None and self._hidden():
                self._of_client()
                continue
            wanted = self._wanted()
            try:
                ready = await wait(wanted)
            except TimeoutError:
                if wanted.timeout == self._timeout:
                    raise
                self._looks = True
                continue
            if self._node in ready:
                self._of_node()
            if self._client in ready:
                self._of_client()

    def _hidden(self) -> bool:
        """Whether bytes that are due have come and no wait would tell: TLS has read them."""
        hears = self._client_speaks and self.left and not (self._to_node or self._file)
        return bool(hears and self._pending is not None and self._pending())

    def _wanted(self) -> Wait:
        """What to wait for in this state; the same object for the same state."""
        sending = bool(self._to_node or self._file)
        node = (READ if self._node_speaks and not self._to_client else 0) | (
            WRITE if sending else 0
        )
        hears = self._client_speaks and not sending and (self.left or self._looks)
        client = (READ if hears else 0) | (WRITE if self._to_client else 0)
        unheard = self._client_speaks and not (client or sending or self._looks)
        state = node | client << 4 | unheard << 8
        found = self._waits.get(state)
        if found is None:
            both = ((self._node, node), (self._client, client))
            patience = min(GRACE, self._timeout / 2) if unheard else self._timeout
            found = Wait(tuple(each for each in both if each[1]), patience)
            self._waits[state] = found
        return found

    # -- from the node

    def _of_node(self) -> None:
        if self._to_node or self._file:
            self._send_on()
        for _ in range(RUNS):
            if not self._node_speaks or self._to_client:
                return
            try:
                size = self._node.recv_into(_buffer)
            except BlockingIOError:
                return
            except OSError as problem:
                raise NodeError(problem.strerror) from None
            if not size:
                self._node_ended()
                return
            self.received += size
            answer = self._answer
            if answer is None:
                self._give(_buffer[:size])
                continue
            self._give(answer.feed(_buffer[:size]))
            if answer.done:
                self._node_speaks = False

    def _node_ended(self) -> None:
        self._node_speaks = False
        if not self.received:
            raise NodeError("no answer")
        if self._answer is not None:
            self._give(self._answer.end())

    def _give(self, data: bytes | memoryview) -> None:
        """Send a piece to the client; keep what it does not take now."""
        if not data:
            return
        try:
            gone = self._client.send(data)
        except BlockingIOError:
            gone = 0
        if gone < len(data):
            self._to_client = memoryview(bytes(data[gone:]))

    # -- from the client

    def _of_client(self) -> None:
        if self._to_client:
            try:
                gone = self._client.send(self._to_client)
            except BlockingIOError:
                return
            self._to_client = self._to_client[gone:]
        if not self.left and self._looks and self._client_speaks:
            self._look()
        for _ in range(RUNS):
            left = self.left
            if not left or self._to_node or self._file or not self._client_speaks:
                return
            try:
                size = self._client.recv_into(_buffer[:left] if 0 < left < CHUNK else _buffer)
            except BlockingIOError:
                return
            if not size:
                self._client_ended()
                return
            if left > 0:
                self.left = left - size
            self._pass(size)

    def _look(self) -> None:
        """See why a client from which nothing is due can be read; OSError: it was reset."""
        try:
            self._client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        # Another request already, or the end of its half: neither is of interest now.
        # Departure: for uWSGI a client that ends its half has gone.
        self._client_speaks = False

    def _client_ended(self) -> None:
        """The client ends in the middle of its body: let the node know, it may answer."""
        self._client_speaks = False
        try:
            self._node.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has gone: its own end tells

    def _pass(self, size: int) -> None:
        """Send a chunk to the node; keep what it does not take now."""
        gone = self._sent(lambda: self._node.send(_buffer[:size]))
        if 0 <= gone < size:
            self._to_node = [memoryview(bytes(_buffer[gone:size]))]

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
            return send()
        except BlockingIOError:
            return 0
        except OSError:
            # It hears no more, but may have answered: what it said is still to be read.
            self._client_speaks = False
            self._to_node, self._file = [], None
            return -1
