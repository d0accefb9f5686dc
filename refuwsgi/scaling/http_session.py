"""A session of the HTTP router: one client, from its first byte to the end of its last answer.

Section:  scaling / http; the sessions
What:     read a head, make the packet, connect to a node (the next one on failure), carry the
          body and the answer; again, if the connection is kept.  All that may have to wait is here;
          `http_straight` is for what need not.

              head --> packet --> node --> exchange --> again, or close
               | 400 408 431      | 502 503   | 502 504

Units:    seconds, bytes.
Errors:   as long as no byte of an answer went out the client is told what went wrong, in a line;
          after that it is closed, so that the loss can be seen.
          # Departure: uWSGI closes without a word, and leaves the client to guess.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from socket import SocketType
from typing import Any, Final

from refuwsgi import log
from refuwsgi.gateway_buffer import Bytes
from refuwsgi.gateway_reach import Begun, NodeError, Unreached, reach
from refuwsgi.gateway_relay import ENDLESS, linger
from refuwsgi.gateway_rules import BROKEN, SLOW, UNAVAILABLE, Failure, shown
from refuwsgi.gateway_stores import File, rest_of
from refuwsgi.protocol.http import Head, HeadError, head_end, parse_head
from refuwsgi.scaling import http_chunked, https
from refuwsgi.scaling.http_answer import Answer
from refuwsgi.scaling.http_chunked import TOO_LARGE, Kept
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_exchange import Exchange
from refuwsgi.scaling.http_head import Heads, Left
from refuwsgi.scaling.http_nodes import Target
from refuwsgi.waiting import NOW

NOWHERE: Final = ("0.0.0.0", "")  # noqa: S104 - a client of a UNIX socket
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Session:
    """One client's visit."""

    __slots__ = ("_answer", "_begun", "_client", "_door", "_exchange", "_heads", "_host", "_known",
                 "_node", "_problem", "_received", "_staying", "_target", "_targets")  # fmt: skip

    def __init__(self, door: RouterDoor, client: SocketType, peer: Any) -> None:
        self._door = door
        self._client = client
        self._heads = Heads(door, client, (peer[0], str(peer[1])) if door.tcp else NOWHERE)
        self._known: Head | None = None  # the head of what has come, if it was read already
        self._host = ""
        self._targets: Iterator[Target] | None = None  # those that are still to be tried
        self._target: Target | None = None
        self._begun: Begun | None = None  # what came of a first attempt
        self._node: SocketType | None = None
        self._answer: Answer | None = None  # None: it is passed on without being understood
        self._exchange: Exchange | None = None
        # What the straight way, if it went before or comes after, has found.
        self._received = 0
        self._problem: NodeError | None = None
        self._staying = False

    async def run(self) -> None:
        """Serve the client, whatever happens."""
        try:
            while await self._one():
                self._heads.first = False
                if self._stays():
                    break
        except HeadError as problem:
            await self._refuse(problem.status)
        except Failure as failure:
            self._say(str(failure))
            await self._refuse(failure.status)
        except NodeError as problem:
            self._say(f"hr_instance_read(): {problem}")
            await self._refuse(BROKEN)
        except TimeoutError:
            self._say("timeout")
            await self._refuse(SLOW)
        except (Left, OSError):
            pass
        finally:
            if not self._staying:
                self.close()

    def _stays(self) -> bool:
        """Whether the client that is kept goes the straight way from here."""
        return False

    def close(self) -> None:
        """Close what the session has opened."""
        self._close_node()
        if self._begun is not None:
            self._begun[0].close()
        if self._door.tls is not None:
            https.say_goodbye(self._client)
        self._client.close()

    async def _one(self) -> bool:
        """Serve one request; say whether there may be another."""
        if self._problem is not None:
            raise self._problem
        if self._exchange is not None:
            return await self._carry(self._exchange)
        rules = self._door.rules
        heads = self._heads
        head, self._known = self._known, None
        if head is None:
            end = await heads.next()
            head = parse_head(heads.data, end)
        else:
            end = len(heads.data)
        rest, heads.data = heads.data[end:], b""
        environ = head.environ
        if self._door.redirects_to is not None:
            return await self._redirect(environ, self._door.redirects_to)
        self._host = environ.get("HTTP_HOST", "")
        upgrade = "HTTP_UPGRADE" in environ
        endless = upgrade or rules.raw_body or (head.chunked and rules.chunked_input)
        if head.expect and not rest:
            self._expected(head)
        kept: Kept | None = None
        if endless:
            left = ENDLESS
        elif head.chunked:
            kept = await self._whole(rest)
            environ.pop("HTTP_TRANSFER_ENCODING")
            environ["CONTENT_LENGTH"] = str(kept.size)
            rest, heads.data, left = bytes(kept.memory), kept.beyond, 0
        else:
            size = head.content_length
            rest, heads.data = rest[:size], rest[size:]
            left = size - len(rest)
        try:
            return await self._pass_on(head, rest, left, kept)
        finally:
            if kept is not None:
                kept.close()

    async def _redirect(self, environ: dict[str, str], port: str) -> bool:
        answer = https.redirection(environ, port)
        if not answer:
            raise HeadError("no host to be redirected to")
        self._client.send(answer, NOW)
        await self._linger()
        return False

    async def _whole(self, rest: bytes) -> Kept:
        kept = await http_chunked.receive(self._client, rest, self._door.rules.timeout)
        if kept is None:
            raise Left
        return kept

    def _expected(self, head: Head) -> None:
        """Tell a client that waits for it to go on, or that its body is too large."""
        # Beyond: without http-manage-expect uWSGI lets the client wait for nothing.
        most = self._door.rules.largest_expected
        if most and head.content_length > most:
            raise HeadError("a body that is too large", TOO_LARGE)
        self._client.send(CONTINUE, NOW)

    # -- the node

    async def _pass_on(self, head: Head, rest: bytes, left: int, kept: Kept | None) -> bool:
        door, environ = self._door, head.environ
        data = door.packet(environ, *self._heads.peer) + rest
        followed = door.rules.idle > 0 and left != ENDLESS and head.keep_alive
        self._answer = None
        if followed:
            bodiless = environ["REQUEST_METHOD"] == "HEAD"
            self._answer = Answer(bodiless=bodiless, auto_chunked=door.rules.auto_chunked)
        node, sent = await self._reach([data])
        exchange = Exchange(
            self._client, node, rest_of([data], sent), left, self._answer, door.rules.timeout
        )
        self._exchange = exchange
        if kept is not None and kept.file is not None:
            exchange.send_stored(File(kept.file.fileno(), kept.size))
        return await self._carry(exchange)

    async def _carry(self, exchange: Exchange) -> bool:
        """Carry to the end of an answer; say whether there may be another request."""
        await exchange.run()
        self._exchange = None
        self._close_node()
        if exchange.left > 0:
            await self._linger()
        return self._kept() and not exchange.left

    def _kept(self) -> bool:
        """Say whether what comes next can be another request."""
        if self._answer is None or not self._answer.keep or self._door.leaving():
            return False
        # uWSGI: bytes behind the body end the connection, unless they are a request.
        return not self._heads.data or head_end(self._heads.data) > 0

    async def _reach(self, data: Sequence[Bytes]) -> tuple[SocketType, int]:
        """Connect to the first target that takes the connection, and send what goes at once."""
        tried = 0
        begun, self._begun = self._begun, None
        targets = self._targets = self._targets or self._door.nodes.targets(time.monotonic())
        target = self._target if begun is not None else next(targets, None)
        while target is not None:
            self._target = target
            try:
                self._node, sent = await self._connect(target, data, begun)
                self._targets = None
                return self._node, sent
            except Unreached as problem:
                self._unreached(target, problem, tried)
            tried += 1
            begun, target = None, next(targets, None)
        if not tried:
            raise Failure(UNAVAILABLE, "no node")
        raise Failure(BROKEN, "no node takes the connection")

    async def _connect(
        self, target: Target, data: Sequence[Bytes], begun: Begun | None
    ) -> tuple[SocketType, int]:
        limit = self._door.rules.connect_timeout
        end = time.monotonic() + limit
        while True:
            try:
                return await reach(target.family, target.names, data, -1, limit, begun)
            except Unreached as problem:
                # A UNIX socket whose queue is full: wait, as TCP would.
                if not problem.busy or time.monotonic() >= end:
                    raise
                begun = None
            except NodeError:
                raise
            except OSError as problem:
                raise Failure(UNAVAILABLE, problem.strerror or str(problem)) from None

    def _unreached(self, target: Target, problem: Unreached, tried: int) -> None:
        door = self._door
        if not door.rules.quiet:
            log.line(
                f'[uwsgi-http] unable to connect() to node "{target.address}" '
                f"({tried} retries): {problem}"
            )
        if not problem.busy and door.nodes.failed(target, time.monotonic()):
            log.line(f"[uwsgi-http] {shown(self._host)} => marking {target.address} as failed")

    # -- the end

    def _say(self, reason: str) -> None:
        address, port = self._heads.peer
        node = f" node: {self._target.address}" if self._target is not None else ""
        log.line(
            f"[uwsgi-http key: {shown(self._host)} client_addr: {address} "
            f"client_port: {port}] {reason}{node}"
        )

    async def _refuse(self, status: str) -> None:
        """Answer with an error, unless an answer has begun already."""
        if self._exchange.received if self._exchange is not None else self._received:
            return
        text = status[4:].encode() + b"\n"
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(text)}\r\n\r\n"
        )
        try:
            self._client.send(head.encode() + text, NOW)
        except OSError:
            return  # it has gone already
        await self._linger()

    async def _linger(self) -> None:
        """Swallow what the client still sends: a close over it would destroy the answer."""
        try:
            await linger(self._client)
        except OSError:
            pass  # it has gone, or keeps silent

    def _close_node(self) -> None:
        if self._node is not None:
            self._node.close()
            self._node = None
