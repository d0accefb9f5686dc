"""The straight way of the HTTP router: requests without a body, answered at once.

Section:  scaling / http; requests that need no task
What:     most requests are one head that comes in one piece, for a worker that answers soon, from
          a client that asks its next question soon or goes.  Their sessions are called by the
          loop when the client or the node speaks, and become a task for everything else.

              client speaks --> head, packet, connected, sent
                    ^                     |
                    |               node speaks --> answer passed on --> closed
                    |                                     |
                    +------------- kept ------------------+

Units:    seconds, bytes.
Errors:   what the client is to be told is left to the task, which can wait until it has heard it.
"""

from __future__ import annotations

import time
from socket import SocketType
from typing import Any

from refuwsgi.gateway_reach import Bytes, NodeError, attempt
from refuwsgi.gateway_relay import CHUNK, buffer
from refuwsgi.gateway_straight import NODE_SPEAKS, Steps, Straight
from refuwsgi.loop import ENDED, READ
from refuwsgi.protocol.http import MAX_HEADERS, HeadError, head_end, read_head
from refuwsgi.scaling.http_answer import Answer, is_whole
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_exchange import Exchange
from refuwsgi.scaling.http_head import RECEIVE
from refuwsgi.scaling.http_session import Session
from refuwsgi.waiting import END, NOW


class StraightSession(Session):
    """A client's visit, most of which needs no task."""

    __slots__ = ("_bodiless", "_straight", "_to_client", "_watched", "since")

    def __init__(self, door: RouterDoor, client: SocketType, peer: Any, straight: Straight) -> None:
        super().__init__(door, client, peer)
        self.since = 0.0
        self._straight = straight
        self._bodiless = False  # is the answer one to HEAD
        self._watched = False  # is the client
        self._to_client = b""  # what it has not taken

    # -- the client

    def begin(self) -> None:
        """Go as far as nothing has to be waited for."""
        if self._door.plain:
            try:
                self._hear()
                return
            except BlockingIOError:
                pass
        self._straight.turn(self)

    def client_speaks(self, events: int) -> None:
        """A client that is kept asks again, or has gone."""
        if self._node is not None:
            # Not now: it will be heard when it has its answer.
            self._watched = False
            self._straight.unwatch(self._client)
            return
        try:
            self._hear()
        except BlockingIOError:
            pass

    def _hear(self) -> None:
        try:
            data = self._client.recv(RECEIVE, NOW)
        except BlockingIOError:
            raise
        except OSError:
            data = b""
        if not data:
            self._over()
            return
        self._heads.data = data
        try:
            if not self._ask(data):
                self._straight.turn(self)
        except (HeadError, OSError):
            self._straight.turn(self)  # which meets it again, and has the time to tell
        except BaseException:
            self._over()
            raise

    def _ask(self, data: bytes) -> bool:
        """Pass on what is one request without a body; False when that takes a task."""
        door, heads = self._door, self._heads
        ready = door.ready(data, heads.peer)
        if isinstance(ready, bytes):
            packet, keep, bodiless = self._read(data, ready)
            if not packet:
                return False
        else:
            packet, self._host, keep = ready
            bodiless = False
        self.since = time.monotonic()
        targets = self._targets = door.nodes.targets(self.since)
        target = next(targets, None)
        if target is None:
            return False
        self._target = target
        begun = attempt(target.family, target.names[0], [packet])
        if begun.sent != len(packet):
            self._begun = begun
            return False
        heads.data = b""
        self._known = self._targets = None
        self._received = 0
        self._answer = None
        self._bodiless = bodiless
        if keep and door.rules.idle > 0:
            self._answer = Answer(bodiless=bodiless, auto_chunked=door.rules.auto_chunked)
        self._node = begun.sock
        self._straight.watch(begun.sock, NODE_SPEAKS, self.node_speaks)
        self._straight.part(self)
        self._straight.wait(self)
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

    # -- the node

    def node_speaks(self, events: int) -> None:
        """Pass on what the node says, until it was all."""
        assert self._node is not None
        try:
            size = self._node.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as problem:
            self._fails(problem.strerror or "")
            return
        answer = self._answer
        ended = not size or (events & ENDED == END and size < CHUNK)
        if size:
            self._received += size
            piece = buffer[:size]
            told: Bytes = piece
            if answer is not None:
                told = answer.feed(piece)
                ended = ended or answer.done
            elif not ended and self._received == size and not self._bodiless:
                ended = is_whole(piece)
            if told and not self._give(told):
                return
        if not ended:
            return
        if not self._received:
            self._fails("no answer")
            return
        rest = answer.end() if answer is not None and not answer.done else b""
        if not rest or self._give(rest):
            self._answered()

    def _give(self, piece: Bytes) -> bool:
        """Send the client a piece; False when the straight way ends here."""
        try:
            gone = self._client.send(piece, NOW)
        except BlockingIOError:
            gone = 0
        except OSError:
            self._over()
            return False
        if gone < len(piece):
            self._to_client = bytes(piece[gone:])
            self._straight.turn(self)
            return False
        return True

    def _answered(self) -> None:
        """The client has its answer."""
        if not self._kept():
            self._over()
            return
        assert self._node is not None
        self._straight.close(self._node)
        self._node = None
        self._heads.first = False
        self._rest()

    def _rest(self) -> None:
        """Wait for the next request of a client that is kept."""
        self.since = time.monotonic()
        self._door.idle.add(self._client)
        if not self._watched:
            self._watched = True
            self._straight.watch(self._client, READ, self.client_speaks)
        self._straight.part(self)
        self._straight.wait(self)

    def _fails(self, reason: str) -> None:
        self._problem = NodeError(reason)
        self._straight.turn(self)

    # -- to a task, and back

    def patiently(self) -> Steps:
        """Go on as a task."""
        self._staying = False
        if self._watched:
            self._watched = False
            self._straight.unwatch(self._client)
        node, door = self._node, self._door
        if node is not None:
            self._straight.unwatch(node)
            if self._problem is None:
                exchange = Exchange(self._client, node, [], 0, self._answer, door.rules.timeout)
                exchange.resume(self._received, self._to_client)
                self._exchange, self._to_client = exchange, b""
        door.idle.discard(self._client)
        return self.run()

    def _stays(self) -> bool:
        self._staying = self._door.plain and not self._heads.data
        return self._staying

    def task_ended(self) -> None:
        """Go on without a task, or be over."""
        if self._staying:
            self._rest()
        else:
            self._straight.ended()

    def _over(self) -> None:
        self.close()
        self._straight.ended()

    def close(self) -> None:
        """Close what the session has opened."""
        if self._straight.part(self):
            self._door.idle.discard(self._client)
            if self._watched:
                self._straight.close(self._client)
            else:
                self._client.close()
            if self._node is not None:
                self._straight.close(self._node)
                self._node = None
        super().close()
