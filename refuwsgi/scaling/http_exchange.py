"""One request and its answer: what moves between a client and the node that serves it.

Section:  scaling / http; the exchange
What:     a relay that knows how much of the request's body is still to come and, where the
          client's connection may be kept, where the answer ends.
Units:    seconds, bytes.
Errors:   as those of a relay, and `NodeError` for a node that ends without a byte.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from refuwsgi.gateway_buffer import CHUNK
from refuwsgi.gateway_reach import NodeError
from refuwsgi.gateway_relay import Relay
from refuwsgi.gateway_stores import Memory, Pipe, Store
from refuwsgi.scaling.http_answer import Answer


class Exchange(Relay):
    """A client, a node, and what is on its way between them."""

    __slots__ = ("_answer", "_hidden", "_pending")

    grace = 0.5

    def __init__(
        self,
        client: socket.SocketType,
        node: socket.SocketType,
        to_node: list[Store],
        left: int,
        answer: Answer | None,
        timeout: float,
    ) -> None:
        super().__init__(client, node, to_node, timeout, left, due=left != 0)
        self._answer = answer  # None: it is passed on without being understood
        # TLS may have read bytes already, of which no wait would tell.
        pending: Callable[[], int] | None = getattr(client, "pending", None)
        self._pending = pending or (lambda: 0)
        self._hidden = None if pending is None else self._read_ahead

    def resume(self, received: int, to_client: Store | None) -> None:
        """Go on where somebody else has begun to pass the answer on."""
        super().resume(received, to_client)
        self._node_speaks = self._answer is None or not self._answer.done

    def _read_ahead(self) -> bool:
        hears = self._client_speaks and self.left and not self._to_node
        return bool(hears and self._pending())

    def _unread(self) -> int:
        if self._hidden is not None:  # TLS writes what it has seen
            return 0
        return CHUNK if self._answer is None else min(self._answer.unread, CHUNK)

    def _answered(self, came: Memory | Pipe) -> None:
        answer = self._answer
        if answer is None:
            self._give(came)
            return
        if isinstance(came, Pipe):
            answer.passed(came.left)
            self._give(came)
        elif piece := answer.feed(came.data):
            self._give(Memory(piece))
        if answer.done:
            self._node_speaks = False

    def _node_ended(self) -> None:
        if not self._node_speaks:
            return  # the answer has told its end
        self._node_speaks = False
        if not self.received:
            raise NodeError("no answer")
        if self._answer is not None and (rest := self._answer.end()):
            self._give(Memory(rest))
