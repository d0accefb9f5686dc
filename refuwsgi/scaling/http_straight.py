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

import contextlib
import time
from socket import SocketType

from refuwsgi.gateway_buffer import CHUNK, Bytes, buffer, received, taken
from refuwsgi.gateway_reach import Begun, NodeError
from refuwsgi.gateway_stores import Memory
from refuwsgi.gateway_straight import Steps
from refuwsgi.loop import ENDED, READ
from refuwsgi.protocol.http import HeadError
from refuwsgi.scaling.http_answer import is_whole
from refuwsgi.scaling.http_asking import AskingSession
from refuwsgi.scaling.http_exchange import Exchange
from refuwsgi.scaling.http_nodes import Target
from refuwsgi.scaling.http_packet import Ready
from refuwsgi.waiting import END


class StraightSession(AskingSession):
    """A client's visit, most of which needs no task."""

    __slots__ = ()

    # -- the client

    def begun(self, data: bytes, target: Target | None, begun: Begun | None) -> None:
        """Go on where somebody else has begun to ask."""
        self._heads.data = data
        if begun is not None:
            self._target, self._begun = target, begun
            self._targets = self._door.nodes.targets(time.monotonic(), tried=1)

    def has_begun(self) -> bool:
        """Whether a node has been asked already."""
        return self._begun is not None

    def asked(self, host: str, target: Target) -> None:
        """Go on where somebody else has asked."""
        self._host, self._target = host, target

    def answered(
        self, node: SocketType, received: int, to_client: bytes, problem: NodeError | None = None
    ) -> None:
        """Go on where somebody else has begun to pass an answer on."""
        self._node, self._received, self._to_client = node, received, to_client
        self._problem = problem

    def client_speaks(self, events: int) -> None:
        """A client that is kept asks again, or has gone."""
        if self._node is None:
            with contextlib.suppress(BlockingIOError):
                self._hear()
        else:  # not now: it will be heard when it has its answer
            self._watched = False
            self._straight.unwatch(self._client.fileno())

    def _hear(self) -> None:
        try:
            data = received(self._client)
        except BlockingIOError:
            raise
        except OSError:
            data = b""
        self._heads.data = data
        self.hears()

    def hears(self, ready: Ready | bytes | None = None) -> None:
        """Act on what has come of the client; `ready` is what somebody has made of it."""
        data = self._heads.data
        if not data:
            self._over()
            return
        try:
            straight = self._ask(data, ready)
        except (HeadError, OSError):
            straight = False  # a task meets it again, and has the time to tell
            self._targets = None  # none of them was tried
        except BaseException:
            self._over()
            raise
        if not straight:
            self._straight.turn(self)

    # -- the node

    def node_speaks(self, events: int) -> None:
        """Pass on what the node says, until it was all."""
        assert self._node is not None
        try:
            size = self._node.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as problem:
            if self._link is not None and self._link.used and not self._received:
                self._ask_again()
            else:
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
            if len(told) != size or events & END:
                self._link = None  # it ends with this answer
        if not ended and self._received >= CHUNK:
            self._straight.turn(self)  # a long answer: a task need not look at all of it
        elif ended and not self._received:
            self._fails("no answer")
        elif ended:
            rest = answer.end() if answer is not None and not answer.done else b""
            if not rest or self._give(rest):
                self._answered()

    def _give(self, piece: Bytes) -> bool:
        """Send the client a piece; False when the straight way ends here."""
        try:
            gone = taken(self._client, piece)
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
        if self._link is not None and self._door.links is not None:
            self._door.links.give_back(self._link)
            self._link = None
        else:
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
            self._straight.watch(self._client.fileno(), READ, self.client_speaks)
        self._straight.part(self)
        self._straight.wait(self)

    def _ask_again(self) -> None:
        """A worker has left before it read the request: let a task send it to another."""
        assert self._node is not None
        self._straight.close(self._node)
        self._node = self._link = None
        self._heads.data = self._data
        self._straight.turn(self)

    def _fails(self, reason: str) -> None:
        self._problem = NodeError(reason)
        self._straight.turn(self)

    # -- to a task, and back

    def patiently(self) -> Steps:
        """Go on as a task."""
        self._staying = False
        if self._watched:
            self._watched = False
            self._straight.unwatch(self._client.fileno())
        node, door = self._node, self._door
        self._link = None
        if node is not None:
            self._straight.unwatch(node.fileno())
            if self._problem is None:
                exchange = Exchange(self._client, node, [], 0, self._answer, door.rules.timeout)
                left = Memory(self._to_client) if self._to_client else None
                exchange.resume(self._received, left)
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
                self._node = self._link = None
        super().close()
