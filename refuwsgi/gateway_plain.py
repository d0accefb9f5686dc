"""The straight way of a gateway that speaks uwsgi: a packet in one piece, an answer soon.

Section:  ground / gateways; requests that need no task
What:     nearly every request of a router is one packet without a body, for a node that takes the
          connection and answers in a moment.

              client arrives --> packet, node, sent     node speaks --> passed on, closed

          All that happens to it stands in two functions, from top to bottom: each call that is
          not made here is a hundredth of what a request costs.  `Session` does the same in steps
          of a task, and takes over when there is something to wait for.
Units:    seconds, bytes.
Errors:   as those of `gateway_sessions`.
"""

from __future__ import annotations

from errno import EINPROGRESS, EINVAL
from socket import AF_UNIX, SocketType
from time import monotonic
from typing import Any, Final

from refuwsgi.gateway_buffer import CHUNK, RECEIVE, buffer
from refuwsgi.gateway_names import names_of
from refuwsgi.gateway_reach import NOT_CONNECTED, STREAM, Begun, begun_with, rights_of
from refuwsgi.gateway_relay import RUNS, Relay
from refuwsgi.gateway_rules import BROKEN, NOTHING_ASKED, Asked, Rules
from refuwsgi.gateway_sessions import UNANSWERED, Session
from refuwsgi.gateway_stores import BULK, Memory, Store, come
from refuwsgi.gateway_straight import NODE_SPEAKS, Errand, Patience, Serve, Steps, Straight
from refuwsgi.handles import handle_of, handles, socket_of
from refuwsgi.loop import ENDED
from refuwsgi.protocol.uwsgi import HEADER, PacketError
from refuwsgi.waiting import END, NOW

SEVERAL: Final = range(RUNS)


def serves(rules: Rules) -> Serve:
    """Make what a gateway calls for each client that arrives."""
    asked_of, passing = rules.asked_of, rules.offers is not None
    not_before = rules.offers.not_before if rules.offers is not None else {}
    choose = rules.chooser.choose if rules.chooser is not None else lambda asked, now: None
    ended = rules.chooser.ended if rules.chooser is not None else None

    class Ours(PlainErrand):
        __slots__ = ()

    # Of all errands: what each need not be told.
    Ours.rules, Ours.ended = rules, ended and staticmethod(ended)

    def serve(client: int, peer: Any, straight: Straight) -> None:
        since, data, asked, target = monotonic(), b"", NOTHING_ASKED, None
        node, sent, error = None, NOT_CONNECTED, EINVAL
        try:
            handle = handles.get(client) or handle_of(client)
            size = handle.recv_into(buffer, RECEIVE, NOW)
            data = buffer[:size].tobytes()
            if size <= 4 or size - 4 != data[1] | data[2] << 8:
                raise Patience
            asked = asked_of(data[4:])
            if not asked.plain:
                raise Patience
            if (target := choose(asked, since)) is None:
                raise NoNode
            family, names = names_of(target.address)
            packet = data
            if data[0] != target.modifier1 or data[3] != target.modifier2:
                packet = HEADER.pack(target.modifier1, size - 4, target.modifier2) + data[4:]
            given = passing and family == AF_UNIX and not_before.get(target.address, 0.0) <= since
            node = SocketType(family, STREAM)
            error = node.connect_ex(names[0])
            if error and error != EINPROGRESS:
                raise Patience
            sent = node.sendmsg((packet,), rights_of(client)) if given else node.send(packet)
            if sent != size:
                raise Patience
            errand = Ours()
            errand.straight, errand.since, errand.asked = straight, since, asked
            errand.client, errand.handle, errand.target = client, handle, target
            errand.given, errand.sent, errand.received = given, sent, 0
            errand.node, errand.fd = node, (fd := node.fileno())
            straight.calls[fd] = errand.node_speaks
            straight.add(fd, NODE_SPEAKS)
            straight.waiting[errand] = None
            if not straight.minded:
                straight.mind()
        except (Patience, OSError, ValueError) as problem:
            session = Session(rules, socket_of(client, peer), since)
            begun = begun_with(node, sent, error, problem)
            otherwise(session, straight, problem, (data, asked, target, begun))

    return serve


class NoNode(Patience):
    """Nobody is there to answer: a task will say so, or knows a fallback."""


# The rest of a packet has not come; or an address is none, which is to be told.
PATIENCE: Final = (Patience, BlockingIOError, ValueError)


def otherwise(
    session: Session,
    straight: Straight,
    problem: Exception,
    known: tuple[bytes, Asked, Any, Begun | None],
) -> None:
    """Let a task go on; or end here, if the client has gone or speaks something else."""
    session.resume(*known, chosen=known[2] is not None or isinstance(problem, NoNode))
    if known[3] is not None or (
        isinstance(problem, PATIENCE) and not isinstance(problem, PacketError)
    ):
        straight.task(session.run())
    else:
        session.close()
        straight.ended()


class PlainErrand(Errand):
    """An errand to a node that speaks uwsgi."""

    __slots__ = ("asked", "given")

    rules: Rules
    asked: Asked
    given: bool  # the node has the client's descriptor

    def node_speaks(self, events: int) -> None:
        """Pass on what the node says; the errand is over when that was all."""
        if self.received >= BULK:
            self._pour()
            return
        try:
            size = self.node.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as problem:
            self._fails(f"fr_instance_read(): {problem.strerror}")
            return
        if size:
            self.received += size
            if self.given:
                self._declined()
            try:
                gone = self.handle.send(buffer[:size], NOW)
            except BlockingIOError:
                gone = 0
            except OSError:
                self.close()  # the client left
                return
            if gone < size:
                self._hand_over(Memory(bytes(buffer[gone:size])))
                return
        if size == CHUNK:
            self._pour()
        elif not size or events & ENDED == END:
            if self.received or self.given:
                self.close()
            else:
                self._fails(UNANSWERED)

    def _pour(self) -> None:
        """Pass on more of a long answer, without looking at it."""
        self.handle.setblocking(False)  # a handle does not know how its number was left
        for _ in SEVERAL:
            try:
                came = come(self.node, CHUNK, unread=True)
            except BlockingIOError:
                return
            except OSError as problem:
                self._fails(f"fr_instance_read(): {problem.strerror}")
                return
            if not came.left:
                came.release()
                self.close()
                return
            self.received += came.left
            try:
                came.give(self.handle)
            except BlockingIOError:
                pass
            except OSError:
                came.release()
                self.close()
                return
            if came.left:
                came.keep()
                self._hand_over(came)
                return
            came.release()

    def _declined(self) -> None:
        """The node answers over its connection: it has ignored the descriptor."""
        self.given = False
        if self.rules.offers is not None:
            self.rules.offers.declined(self.target.address, monotonic())

    # -- to a session, which has the time

    def _hand_over(self, to_client: Store) -> None:
        """The client does not take it all: let a task wait for it."""
        self.straight.task(self._session(to_client).run())

    def _session(self, to_client: Store | None = None) -> Session:
        straight = self.straight
        straight.waiting.pop(self, None)
        straight.unwatch(self.fd)
        client = socket_of(self.client, None)
        session = Session(self.rules, client, self.since)
        relay = Relay(client, self.node, [], self.rules.timeout)
        relay.resume(self.received, to_client)
        relay.given, relay.sent = self.given, self.sent
        session.resume(b"", self.asked, self.target, None, chosen=True)
        session.carry_on(self.node, relay)
        return session

    def _fails(self, reason: str) -> None:
        session = self._session()
        session.fail(BROKEN, reason)
        session.close()
        self.straight.ended()

    def patiently(self) -> Steps:
        """Go on as a task."""
        return self._session().run()

    def task_ended(self) -> None:
        """The session is over."""
        self.straight.ended()
