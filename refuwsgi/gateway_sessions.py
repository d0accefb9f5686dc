"""A session of a gateway that speaks uwsgi: from a client's first byte to a node's last.

Section:  ground / gateways; the sessions
What:     read the packet, ask who is to answer, keep the body if that is wanted, connect (next node
          on failure, then the fallback), relay.  What a key is, who names the nodes and how a body
          is kept come in from above, as `Rules`.  All of it may have to wait; `gateway_plain` is
          for what need not.
Units:    seconds, bytes.
Errors:   every session that fails is one line in the log, with its key, the reason, the node and
          the time it took.  The client is closed without a byte, or answered if `Rules` say so;
          once a byte of an answer went out it is closed, so that the loss can be seen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from socket import AF_UNIX
from typing import Any, Final

from refuwsgi.gateway_buffer import Bytes, received
from refuwsgi.gateway_names import names_of
from refuwsgi.gateway_reach import NodeError, Unreached, reach
from refuwsgi.gateway_relay import Relay, linger
from refuwsgi.gateway_rules import BAD, BROKEN, LATE, NOTHING_ASKED, SLOW, Failure, Keep
from refuwsgi.gateway_stores import rest_of
from refuwsgi.gateway_visits import ATTEMPTS, Visit
from refuwsgi.loop import READ, Wait, wait
from refuwsgi.protocol.uwsgi import HEADER, PacketError

SLOW_PACKET: Final = "timeout while the packet was read"
UNANSWERED: Final = "the node has closed without an answer"
SOON: Final = 3.0  # what any node is granted to take a connection


class Session(Visit):
    """One client's visit, from its arrival to its end."""

    __slots__ = ()

    def _declined(self) -> None:
        """The node answers over its connection: it has ignored the descriptor."""
        self._given = False
        assert self._rules.offers is not None
        self._rules.offers.declined(self._address, time.monotonic())

    async def run(self) -> None:
        """Serve the client, whatever happens."""
        try:
            if self._relay is None:
                # One after the other: a session that waits for its packet is to be small.
                data = await self._packet()
                await self._prepare(data)
            if self._relay is not None:
                await self._carry(self._relay)
        except Failure as failure:
            self.fail(failure.status, str(failure))
        except NodeError as problem:
            self.fail(BROKEN, f"fr_instance_read(): {problem}")
            await self._hear_out()
        except TimeoutError:
            self.fail(SLOW, "timeout")
        except (OSError, PacketError):
            pass  # the client left, or broke the format: nothing is said, as in uWSGI
        finally:
            self.close()

    async def _prepare(self, data: bytes) -> None:
        """Find a node for a request, and send it what is there."""
        end = 4 + (data[1] | data[2] << 8) if data else 4
        if end == 4:
            return  # the client left, or sent an empty packet
        block, rest = data[4:end], data[end:]
        if self._asked is NOTHING_ASKED:
            self._asked = self._rules.asked_of(block)
        asked = self._asked
        target = self._first()
        due = asked.streams or asked.length != len(rest)
        self._expected = asked.length - len(rest)
        if self._rules.keep is not None and asked.length:
            if not await self._keep_body(self._rules.keep, rest):
                return
            rest, due, self._expected = b"", asked.streams, 0
        self._relay = await self._reach(target, block, rest, due=due)

    async def _carry(self, moved: Relay) -> None:
        if self._body is not None and self._body.store is not None:
            moved.send_stored(self._body.store)
        await moved.run()
        if self._given and not moved.given:
            self._declined()
        if not (moved.received or moved.given or moved.deserted):
            self.fail(BROKEN, UNANSWERED)
        if moved.taken < self._expected:
            await linger(self._client)

    async def _keep_body(self, keep: Keep, rest: bytes) -> bool:
        """Read the whole body before the node hears of the request; False: the client left."""
        asked, timeout = self._asked, self._rules.timeout
        if asked.length < 0:
            raise Failure(BAD, "a CONTENT_LENGTH that is no number")
        try:
            self._body = await keep(self._client, asked.length, rest, timeout)
        except TimeoutError:
            raise Failure(LATE, "timeout while the body was read") from None
        return self._body is not None

    async def _packet(self) -> bytes:
        """Read until the client's packet is whole; b"" when it left before that."""
        data = self._data
        waiting: Wait | None = None
        while True:
            if len(data) >= 4 and len(data) >= 4 + (data[1] | data[2] << 8):
                return data
            more: bytes | None = None
            try:
                more = received(self._client)
            except BlockingIOError:
                pass  # waiting right here would keep the exception alive meanwhile
            if more is None:
                waiting = waiting or Wait(((self._client, READ),), self._rules.timeout)
                # The limit is on the whole packet: a byte now and then does not renew it.
                if time.monotonic() - self.since > self._rules.timeout:
                    raise Failure(LATE, SLOW_PACKET)
                try:
                    await wait(waiting)
                except TimeoutError:
                    raise Failure(LATE, SLOW_PACKET) from None
                continue
            if not more:
                return b""
            data = data + more if data else more

    async def _reach(self, target: Any, block: bytes, rest: bytes, *, due: bool) -> Relay:
        """Connect to the first target that takes the connection, and send it the packet."""
        others: Iterator[Any] | None = None
        retries = 0
        while True:
            if target is not None:
                try:
                    return await self._connect(target, block, rest, due)
                except Unreached as problem:
                    self._unreached(target, problem, retries)
                retries += 1
            others = others or self._others(target)
            target = next(others, None)
            if target is None:
                raise Failure(BROKEN, "no node takes the connection")

    async def _connect(self, target: Any, block: bytes, rest: bytes, due: bool) -> Relay:
        self._address = target.address
        try:
            family, names = names_of(target.address)
        except ValueError as problem:
            raise Unreached(str(problem)) from None
        header = HEADER.pack(target.modifier1, len(block), target.modifier2)
        data: list[Bytes] = [header + block + rest]
        if self._body is not None and self._body.memory is not None:
            data.append(self._body.memory)
        asked, timeout = self._asked, self._rules.timeout
        alone = not (asked.length or asked.streams or rest)
        offers = self._rules.offers
        gives = False
        if family == AF_UNIX and alone and offers is not None:
            gives = offers.to(target.address, time.monotonic())
        # A node that does not answer the connect leaves time for others to be tried.
        patience = timeout / ATTEMPTS if timeout > SOON * ATTEMPTS else min(timeout, SOON)
        passed = self._client.fileno() if gives else -1
        begun, self._begun = self._begun, None
        self._node, sent = await reach(family, names, data, passed, patience, begun)
        left = [] if sent == len(data[0]) and len(data) == 1 else rest_of(data, sent)
        moved = Relay(self._client, self._node, left, timeout, due=due)
        moved.given, moved.sent = gives, sent
        self._given = gives
        return moved

    async def _hear_out(self) -> None:
        """Let the client send its body: closing on unread bytes would destroy what it was told."""
        if self._asked.length or self._asked.streams:
            with contextlib.suppress(OSError, TimeoutError):
                await linger(self._client)
