"""The plain way of the HTTP router: one request in one piece, from a client that is not kept.

Section:  scaling / http; requests without a body, one for each connection
What:     what most clients send who want one answer and no more.

              client arrives --> head, packet, node, sent     node speaks --> passed on, closed

          All that happens stands in two functions, from top to bottom: each call that is not made
          here is a hundredth of what a request costs.  Clients that are kept, heads whose like is
          not known, and all that takes time go to a session.
Units:    seconds, bytes.
Errors:   what the client is to be told is left to the session.
"""

from __future__ import annotations

from errno import EINPROGRESS, EINVAL
from socket import SocketType
from time import monotonic
from typing import Any

from refuwsgi.gateway_buffer import CHUNK, RECEIVE, buffer
from refuwsgi.gateway_reach import NOT_CONNECTED, STREAM, NodeError, begun_with
from refuwsgi.gateway_straight import NODE_SPEAKS, Errand, Patience, Serve, Steps, Straight
from refuwsgi.handles import handle_of, handles, socket_of
from refuwsgi.loop import ENDED
from refuwsgi.protocol.http import HeadError
from refuwsgi.scaling.http_answer import is_whole
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_packet import Ready
from refuwsgi.scaling.http_session import NOWHERE
from refuwsgi.scaling.http_straight import StraightSession
from refuwsgi.waiting import END, NOW


def serves(door: RouterDoor) -> Serve:
    """Make what a gateway calls for each client that arrives at an address."""
    ready_of, modifiers, next_node = door.packets.ready, door.modifiers, door.nodes.next
    keeps, tcp = door.rules.idle > 0, door.tcp

    class Ours(PlainErrand):
        __slots__ = ()

    # Of all errands: what each need not be told; nobody keeps books of them.
    Ours.door, Ours.ended = door, None

    def serve(client: int, peer: Any, straight: Straight) -> None:
        since, data, target = monotonic(), b"", None
        ready: Ready | bytes = b""
        node, sent, error = None, NOT_CONNECTED, EINVAL
        try:
            handle = handles.get(client) or handle_of(client)
            size = handle.recv_into(buffer, RECEIVE, NOW)
            data = buffer[:size].tobytes()
            place = (peer[0], str(peer[1])) if tcp else NOWHERE
            ready = ready_of(data, place, modifiers)
            if isinstance(ready, bytes) or (ready[2] and keeps):
                raise Patience
            packet, host, _ = ready
            if (target := next_node(since)) is None:
                raise Patience
            node = SocketType(target.family, STREAM)
            error = node.connect_ex(target.names[0])
            if error and error != EINPROGRESS:
                raise Patience
            sent = node.send(packet)
            if sent != len(packet):
                raise Patience
            errand = Ours()
            errand.straight, errand.since, errand.host = straight, since, host
            errand.client, errand.handle, errand.peer = client, handle, peer
            errand.target, errand.received = target, 0
            errand.node, errand.fd = node, (fd := node.fileno())
            straight.calls[fd] = errand.node_speaks
            straight.add(fd, NODE_SPEAKS)
            straight.waiting[errand] = None
            if not straight.minded:
                straight.mind()
        except (Patience, OSError, HeadError) as problem:
            session = StraightSession(door, socket_of(client, peer), peer, straight)
            session.begun(data, target, begun_with(node, sent, error, problem))
            otherwise(session, straight, ready, problem)

    return serve


def otherwise(
    session: StraightSession, straight: Straight, ready: Ready | bytes, problem: Exception
) -> None:
    """Let a session go on; `ready` is what was made of what it has heard."""
    if isinstance(problem, BlockingIOError) or session.has_begun():
        straight.turn(session)
    else:
        session.hears(ready)


class PlainErrand(Errand):
    """An errand over HTTP; nobody keeps books of it."""

    __slots__ = ("host", "peer", "session")

    door: RouterDoor
    peer: Any
    host: str
    session: StraightSession  # that has taken over

    def node_speaks(self, events: int) -> None:
        """Pass on what the node says; the errand is over when that was all."""
        try:
            size = self.node.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as problem:
            self._fails(problem.strerror or "")
            return
        if size:
            self.received += size
            piece = buffer[:size]
            try:
                gone = self.handle.send(piece, NOW)
            except BlockingIOError:
                gone = 0
            except OSError:
                self.close()  # the client left
                return
            if gone < size:
                session = self._session()
                session.answered(self.node, self.received, bytes(piece[gone:]))
                self.straight.turn(session)
                return
            ended = size < CHUNK and events & ENDED == END
            if ended or (self.received == size and is_whole(piece)):
                self.close()
        elif self.received:
            self.close()
        else:
            self._fails("no answer")

    # -- to a session, which has the time

    def _session(self) -> StraightSession:
        self.straight.waiting.pop(self, None)
        client = socket_of(self.client, self.peer)
        session = StraightSession(self.door, client, self.peer, self.straight)
        session.asked(self.host, self.target)
        return session

    def _fails(self, reason: str) -> None:
        session = self._session()
        session.answered(self.node, self.received, b"", NodeError(reason))
        self.straight.turn(session)

    def patiently(self) -> Steps:
        """Go on as a task."""
        session = self.session = self._session()
        session.answered(self.node, self.received, b"")
        return session.patiently()

    def task_ended(self) -> None:
        """The task has come to its end."""
        self.session.task_ended()
