"""A session of a gateway that speaks uwsgi: from a client's first byte to a node's last.

Section:  ground / gateways; the sessions
What:     read the packet, ask who is to answer, keep the body if that is wanted, connect (next node
          on failure, then the fallback), relay.  What a key is, who names the nodes and how a body
          is kept come in from above, as `Rules`.
Units:    seconds, bytes.
Errors:   every session that fails is one line in the log, with its key, the reason, the node and
          the time it took.  The client is closed without a byte, or answered if `Rules` say so;
          once a byte of an answer went out it is closed, so that the loss can be seen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from socket import AF_UNIX, SocketType
from typing import Any, Final

from refuwsgi.gateway_names import names_of
from refuwsgi.gateway_reach import NodeError, Unreached, reach
from refuwsgi.gateway_relay import Relay, linger, rest_of
from refuwsgi.gateway_rules import (
    BAD,
    BROKEN,
    LATE,
    NOTHING_ASKED,
    SLOW,
    UNAVAILABLE,
    Failure,
    Keep,
    Kept,
    Rules,
    shown,
)
from refuwsgi.loop import READ, Wait, wait
from refuwsgi.nodes import Node
from refuwsgi.protocol.uwsgi import HEADER, PacketError
from refuwsgi.waiting import NOW

ATTEMPTS: Final = 4  # the first and three more, as uWSGI
RECEIVE: Final = 65536
SLOW_PACKET: Final = "timeout while the packet was read"
UNANSWERED: Final = "the node has closed without an answer"
SOON: Final = 3.0  # what any node is granted to take a connection


class Session:
    """One client's visit."""

    __slots__ = (
        "_address", "_asked", "_body", "_client", "_node", "_relay", "_rules", "_start", "_target",
    )  # fmt: skip

    def __init__(self, rules: Rules, client: SocketType) -> None:
        self._rules = rules
        self._client = client
        self._start = time.monotonic()
        self._asked = NOTHING_ASKED
        self._node: SocketType | None = None
        self._target: Any = None
        self._address = ""
        self._body: Kept | None = None
        self._relay: Relay | None = None

    async def run(self) -> None:
        """Serve the client, whatever happens."""
        try:
            # One after the other: a session that waits for its packet is to be small.
            data = await self._packet()
            await self._serve(data)
        except Failure as failure:
            self._fail(failure.status, str(failure))
        except NodeError as problem:
            self._fail(BROKEN, f"fr_instance_read(): {problem}")
            await self._hear_out()
        except TimeoutError:
            self._fail(SLOW, "timeout")
        except (OSError, PacketError):
            pass  # the client left, or broke the format: nothing is said, as in uWSGI
        finally:
            self._close()

    async def _serve(self, data: bytes) -> None:
        end = 4 + (data[1] | data[2] << 8) if data else 4
        if end == 4:
            return  # the client left, or sent an empty packet
        block, rest = data[4:end], data[end:]
        asked = self._asked = self._rules.asked_of(block)
        target = self._first()
        due = asked.streams or asked.length != len(rest)
        if self._rules.keep is not None and asked.length:
            if not await self._keep_body(self._rules.keep, rest):
                return
            rest, due = b"", asked.streams
        moved = await self._reach(target, block, rest, due=due)
        if self._body is not None and self._body.file >= 0:
            moved.send_file(self._body.file, self._body.size)
        await moved.run()
        if not (moved.received or moved.given or moved.deserted):
            self._fail(BROKEN, UNANSWERED)
        if due and moved.taken + len(rest) < asked.length:
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
        data = b""
        waiting: Wait | None = None
        while True:
            more: bytes | None = None
            try:
                more = self._client.recv(RECEIVE, NOW)
            except BlockingIOError:
                pass  # waiting right here would keep the exception alive meanwhile
            if more is None:
                waiting = waiting or Wait(((self._client, READ),), self._rules.timeout)
                # The limit is on the whole packet: a byte now and then does not renew it.
                if time.monotonic() - self._start > self._rules.timeout:
                    raise Failure(LATE, SLOW_PACKET)
                try:
                    await wait(waiting)
                except TimeoutError:
                    raise Failure(LATE, SLOW_PACKET) from None
                continue
            if not more:
                return b""
            data = data + more if data else more
            if len(data) >= 4 and len(data) >= 4 + (data[1] | data[2] << 8):
                return data

    # -- who is to answer

    def _first(self) -> Any:
        """The target that is to be tried first; None when it is one of the fallback."""
        chooser = self._rules.chooser
        if chooser is None:
            raise Failure(UNAVAILABLE, "no way of mapping is configured")
        if not self._asked.key:
            raise Failure(BAD, "no key")
        target = self._target = chooser.choose(self._asked, self._start)
        if target is None and not (self._rules.fallback_on_no_key and self._rules.fallback):
            raise Failure(UNAVAILABLE, "no node")
        return target

    def _others(self, first: Any) -> Iterator[Any]:
        """Every other target that is to be tried, in order, until one takes the connection."""
        chooser, fallback = self._rules.chooser, self._rules.fallback
        assert chooser is not None
        tried = [] if first is None else [first.address]
        while tried and len(tried) < ATTEMPTS and chooser.again:
            target = chooser.choose(self._asked, time.monotonic())
            if target is None:
                break
            if fallback and target.address in tried:
                chooser.ended(target, 0, 0)
                break
            self._target = target
            yield target
            tried.append(target.address)
        modifiers = (first.modifier1, first.modifier2) if first is not None else (0, 0)
        for node in fallback[: ATTEMPTS - 1]:
            yield Node(node, *modifiers)

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
        data = [memoryview(header + block + rest)]
        if self._body is not None and self._body.memory is not None:
            data.append(self._body.memory)
        asked, timeout = self._asked, self._rules.timeout
        alone = not (asked.length or asked.streams or rest)
        gives = family == AF_UNIX and self._rules.passes and alone
        # A node that does not answer the connect leaves time for others to be tried.
        patience = timeout / ATTEMPTS if timeout > SOON * ATTEMPTS else min(timeout, SOON)
        passed = -1
        if gives:
            self._client.setblocking(False)  # who receives it is used to that
            passed = self._client.fileno()
        self._node, sent = await reach(family, names, data, passed, patience)
        left = [] if sent == len(data[0]) and len(data) == 1 else rest_of(data, sent)
        moved = self._relay = Relay(self._client, self._node, left, timeout, due=due)
        moved.given, moved.sent = gives, sent
        return moved

    def _unreached(self, target: Any, problem: Unreached, retries: int) -> None:
        rules = self._rules
        if not rules.quiet:
            rules.say(
                f'[{rules.name}] unable to connect() to node "{shown(target.address)}" '
                f"({retries} retries): {problem}"
            )
        if target is self._target and rules.chooser is not None:
            self._target = None
            if problem.busy:  # it lives, and has too much to do
                rules.chooser.ended(target, 0, 0)
            else:
                rules.chooser.failed(target, self._asked, time.monotonic())

    # -- the end

    def _fail(self, status: str, reason: str) -> None:
        """Say why the session failed, to the log and, if wanted, to the client."""
        rules, asked = self._rules, self._asked
        took = time.monotonic() - self._start
        node = f" node: {shown(self._address)}" if self._address else ""
        rules.say(
            f"[{rules.name} key: {shown(asked.key)} client_addr: {shown(asked.client)} "
            f"client_port: {shown(asked.port)}] {reason}{node} ({took:.3f} s)"
        )
        begun = self._relay is not None and (self._relay.received or self._relay.given)
        if rules.answers and not begun:
            # Beyond: uWSGI closes without a byte, and leaves the web server to guess.
            text = f"{reason}\n".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            with contextlib.suppress(OSError):
                answer = head.encode() + b"Content-Length: %d\r\n\r\n" % len(text) + text
                self._client.send(answer, NOW)

    async def _hear_out(self) -> None:
        """Let the client send its body: closing on unread bytes would destroy what it was told."""
        if self._asked.length or self._asked.streams:
            with contextlib.suppress(OSError, TimeoutError):
                await linger(self._client)

    def _close(self) -> None:
        """Close what the session opened, and have it put into the books."""
        self._client.close()
        moved = self._relay
        if self._node is not None:
            self._node.close()
        if self._body is not None:
            self._body.release()
        if self._target is not None and self._rules.chooser is not None:
            received, sent = (moved.received, moved.sent) if moved else (0, 0)
            self._rules.chooser.ended(self._target, received, sent)
