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

from refuwsgi import gateway_relay as relay
from refuwsgi.gateway_names import names_of
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

ATTEMPTS: Final = 4  # the first and three more, as uWSGI
RECEIVE: Final = 65536


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
        self._relay: relay.Relay | None = None

    async def run(self) -> None:
        """Serve the client, whatever happens."""
        try:
            await self._serve()
        except Failure as failure:
            self._fail(failure.status, str(failure))
        except relay.NodeError as problem:
            self._fail(BROKEN, f"fr_instance_read(): {problem}")
        except TimeoutError:
            self._fail(SLOW, "timeout")
        except (OSError, PacketError):
            pass  # the client left, or broke the format: nothing is said, as in uWSGI
        finally:
            self._close()

    async def _serve(self) -> None:
        packet = await self._packet()
        if packet is None:
            return
        block, rest = packet
        self._asked = asked = self._rules.asked_of(block)
        targets = self._targets()
        target = next(targets, None)
        if self._rules.keep is not None and asked.length:
            if not await self._keep_body(self._rules.keep, rest):
                return
            rest = b""
        await self._reach(targets, target, block, rest)
        moved = self._relay
        assert moved is not None
        if self._body is not None and self._body.file >= 0:
            moved.send_file(self._body.file, self._body.size)
        due = asked.streams or (self._body is None and asked.length != len(rest))
        await moved.run(due=due)
        if due and moved.taken + len(rest) < asked.length:
            await relay.linger(self._client)

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

    async def _packet(self) -> tuple[bytes, bytes] | None:
        """Read the client's packet; None when it left, or broke the format."""
        data = b""
        waiting: Wait | None = None
        while True:
            try:
                more = self._client.recv(RECEIVE)
            except BlockingIOError:
                waiting = waiting or Wait(((self._client, READ),), self._rules.timeout)
                # The limit is on the whole packet: a byte now and then does not renew it.
                if time.monotonic() - self._start > self._rules.timeout:
                    raise Failure(LATE, "timeout while the packet was read") from None
                try:
                    await wait(waiting)
                except TimeoutError:
                    raise Failure(LATE, "timeout while the packet was read") from None
                continue
            if not more:
                return None
            data = data + more if data else more
            if len(data) >= 4:
                end = 4 + (data[1] | data[2] << 8)
                if end == 4:
                    return None
                if len(data) >= end:
                    return data[4:end], data[end:]

    # -- who is to answer

    def _targets(self) -> Iterator[Any]:
        """Every target that is to be tried, in order, until one takes the connection."""
        chooser, fallback = self._rules.chooser, self._rules.fallback
        if chooser is None:
            raise Failure(UNAVAILABLE, "no way of mapping is configured")
        if not self._asked.key:
            raise Failure(BAD, "no key")
        first = target = chooser.choose(self._asked, time.monotonic())
        if first is None and not (self._rules.fallback_on_no_key and fallback):
            raise Failure(UNAVAILABLE, "no node")
        tried: list[str] = []
        while target is not None:
            self._target = target
            yield target
            tried.append(target.address)
            if len(tried) == ATTEMPTS or not chooser.again:
                break
            target = chooser.choose(self._asked, time.monotonic())
            if target is not None and fallback and target.address in tried:
                chooser.ended(target, 0, 0)
                break
        modifiers = (first.modifier1, first.modifier2) if first is not None else (0, 0)
        for node in fallback[: ATTEMPTS - 1]:
            yield Node(node, *modifiers)

    async def _reach(self, targets: Iterator[Any], target: Any, block: bytes, rest: bytes) -> None:
        """Connect to the first target that takes the connection, and send it the packet."""
        size = len(block)
        retries = 0
        while target is not None:
            data = [
                memoryview(HEADER.pack(target.modifier1, size, target.modifier2) + block + rest)
            ]
            if self._body is not None and self._body.memory is not None:
                data.append(self._body.memory)
            try:
                await self._connect(target, data, bool(rest))
                return
            except relay.Unreached as problem:
                self._unreached(target, problem, retries)
            retries += 1
            target = next(targets, None)
        raise Failure(BROKEN, "no node takes the connection")

    async def _connect(self, target: Any, data: list[memoryview], more: bool) -> None:
        self._address = target.address
        try:
            family, names = names_of(target.address)
        except ValueError as problem:
            raise relay.Unreached(str(problem)) from None
        asked, timeout = self._asked, self._rules.timeout
        gives = (
            family == AF_UNIX and self._rules.passes and not (asked.length or asked.streams or more)
        )
        # A node that does not answer the connect leaves time for others to be tried.
        patience = min(timeout, max(timeout / ATTEMPTS, 3.0))
        passed = self._client.fileno() if gives else -1
        self._node, sent = await relay.reach(family, names, data, passed, patience)
        self._relay = relay.Relay(self._client, self._node, relay.rest_of(data, sent), timeout)
        self._relay.given = gives
        self._relay.sent = sent

    def _unreached(self, target: Any, problem: relay.Unreached, retries: int) -> None:
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
                self._client.send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(text) + text)

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
