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
import socket
from collections.abc import Callable
from typing import Final

from refuwsgi.gateway_buffer import CHUNK, buffer
from refuwsgi.gateway_reach import NodeError
from refuwsgi.gateway_stores import BULK, Memory, Pipe, Store, come
from refuwsgi.gateway_straight import NODE_SPEAKS
from refuwsgi.loop import READ, WRITE, Wait, wait
from refuwsgi.waiting import END, NOW

RUNS: Final = 16  # chunks of one side before others get their turn
LINGER: Final = 1.0
ENDLESS: Final = -1  # a body that lasts as long as the session


class Relay:
    """A client and a node, and what is on its way between them."""

    __slots__ = (
        "_client", "_client_pours", "_client_speaks", "_hears", "_node", "_node_pours",
        "_node_speaks", "_state", "_timeout", "_to_client", "_to_node", "_unheard", "_wait",
        "deserted", "given", "left", "received", "sent", "taken",
    )  # fmt: skip

    grace = 0.2  # how long a client from which nothing is due goes unwatched
    _hidden: Callable[[], bool] | None = None  # are bytes of it here, of which no wait would tell

    def __init__(
        self,
        client: socket.SocketType,
        node: socket.SocketType,
        to_node: list[Store],
        timeout: float,
        left: int = ENDLESS,
        *,
        due: bool = True,
    ) -> None:
        self._client, self._node = client, node
        self._to_node = to_node  # what it has not taken yet
        self._to_client: Store | None = None
        self._node_speaks = self._client_speaks = True
        self._node_pours = self._client_pours = False  # was its last piece a large one
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

    def send_stored(self, store: Store) -> None:
        """Let the node have what is stored, after what is on its way already."""
        self._to_node.append(store)
        if isinstance(store, Pipe):  # a file costs less when its node is reading already
            self._send_on()

    def resume(self, received: int, to_client: Store | None) -> None:
        """Go on where somebody else has begun to pass the answer on."""
        self.received, self._to_client = received, to_client
        self._node_pours = received >= BULK

    async def run(self) -> None:
        """Carry until the node has ended and the client has all that it said."""
        try:
            await self._carry()
        finally:
            for store in self._to_node:
                store.release()
            if self._to_client is not None:
                self._to_client.release()

    async def _carry(self) -> None:
        while self._node_speaks or self._to_client is not None:
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
        sending = self._to_node
        client, node = 0, WRITE if sending else 0
        if self._to_client is not None:
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
        if self._to_node:
            self._send_on()
        for _ in range(RUNS):
            if not self._node_speaks or self._to_client is not None:
                return
            most = self._unread() if self._node_pours else 0
            try:
                came = come(self._node, most or CHUNK, unread=most > 0)
            except BlockingIOError:
                return
            except OSError as problem:
                raise NodeError(problem.strerror) from None
            size = came.left
            self._node_pours = size >= BULK
            if size:
                self.received += size
                self._answered(came)
            # A pipe may be full before all has come that its node has said.
            last = ended and size < CHUNK and not most and self._to_client is None
            if last or not size:
                came.release()
                self._node_ended()
                return

    def _unread(self) -> int:
        """How much of the answer the client may have without our having seen it."""
        return CHUNK

    def _answered(self, came: Memory | Pipe) -> None:
        """The node has said something."""
        if self.given:
            # It answers over its connection: it has ignored the descriptor.
            self.given, self._hears = False, True
        self._give(came)

    def _node_ended(self) -> None:
        """The node has said everything."""
        self._node_speaks = False

    def _give(self, store: Store) -> None:
        """Send a piece to the client; keep what it does not take now."""
        self._to_client = store
        self._give_on()
        if self._to_client is not None:
            store.keep()

    def _give_on(self) -> None:
        store = self._to_client
        assert store is not None
        with contextlib.suppress(BlockingIOError):
            store.give(self._client)
        if not store.left:
            store.release()
            self._to_client = None

    # -- from the client

    def _of_client(self) -> None:
        if self._to_client is not None:
            self._give_on()
        for _ in range(RUNS):
            if self._to_node or not self._client_speaks or not self._hears:
                return
            left = self.left
            if not left:
                self._look()
                return
            most = left if 0 < left < CHUNK else CHUNK
            try:
                unread = self._client_pours and self._hidden is None
                came = come(self._client, most, unread=unread)
            except BlockingIOError:
                return
            if not (size := came.left):
                came.release()
                self._client_ended()
                return
            self.taken += size
            self._client_pours = size >= BULK
            if left > 0:
                self.left = left - size
                self._hears = left > size
            self._pass(came)

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

    def _pass(self, came: Store) -> None:
        """Send a chunk to the node; keep what it does not take now."""
        self._to_node.append(came)
        self._send_on()
        if self._to_node:
            came.keep()

    def _send_on(self) -> None:
        """Send what waits for the node."""
        waiting = self._to_node
        while waiting:
            store = waiting[0]
            try:
                self.sent += store.give(self._node)
            except BlockingIOError:
                return
            except OSError:
                # It hears no more, but may have answered: what it said is still to be read.
                self._client_speaks = False
                for store in waiting:
                    store.release()
                waiting.clear()
                return
            if store.left:
                return
            store.release()
            del waiting[0]


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
