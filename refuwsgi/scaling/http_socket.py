"""http-socket: the cores speak HTTP themselves.

Section:  scaling / http-socket
What:     reads one request head from a client, makes the vars, and knows how the body goes on.
          ``http-socket`` closes after each answer, as uWSGI does; ``http11-socket`` keeps the
          connection for the next request.
Units:    sizes are bytes, timeouts seconds.
Errors:   a head that is wrong gets 400, 431, 501 or 505 and the connection ends.
          # Departure: uWSGI closes without a word.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Mapping
from os import read
from typing import Any

from refuwsgi import log
from refuwsgi.options import JOIN, Option, texts
from refuwsgi.protocol.http import (
    MAX_HEADERS,
    Head,
    HeadError,
    check_unfinished,
    head_end,
    read_head,
)
from refuwsgi.protocol.http_alike import Recalled, recall
from refuwsgi.protocol.http_target import TOO_LARGE
from refuwsgi.protocol.uwsgi import size_of
from refuwsgi.request import CHUNK, EMPTY, Body, Request, SizedBody, wait_for
from refuwsgi.scaling.bodies import ChunkedBody, ExpectedBody
from refuwsgi.scoreboard import MAX_SHOWN, CoreRow
from refuwsgi.sockets import Listener

HTTP_SOCKET: Option[tuple[str, ...]] = Option(
    "http-socket",
    texts,
    default=(),
    help="bind to this address and speak HTTP",
    repeat=JOIN,
)
HTTP11_SOCKET: Option[tuple[str, ...]] = Option(
    "http11-socket",
    texts,
    default=(),
    help="bind to this address and speak HTTP, several requests to a connection",
    repeat=JOIN,
)

OF_THE_PEER = ("REMOTE_ADDR", "REMOTE_PORT")
SHOWN_HTTP = 1 << 32  # in `shown_size`: what is shown is an HTTP head


class HttpDoor:
    """A listening socket behind which the clients speak HTTP."""

    def __init__(
        self,
        listener: Listener,
        limit: int,
        timeout: float,
        *,
        keep: bool,
        most: int = MAX_HEADERS,
        given: Mapping[str, str] = {},
    ) -> None:
        self.listener = listener
        self.limit = limit
        self.timeout = timeout
        self.keep = keep
        self.stays = False
        self.most = most
        self.http = True
        self.may_offload = True
        local = listener.sock.family in (socket.AF_INET, socket.AF_INET6)
        self.tcp = local
        name = listener.name
        self._most_shown = min(limit + 4, MAX_SHOWN)
        self.measures = False  # to know the size of a packet of the vars: for the request log
        self._server = {
            "SERVER_NAME": socket.gethostname(),
            "SERVER_PORT": name.rpartition(":")[2] if local else "80",
            **given,
        }
        if not local:
            # The peer's address comes with accept(); a UNIX socket has none: uWSGI says 0.0.0.0.
            self._server["REMOTE_ADDR"] = "0.0.0.0"  # noqa: S104
        self._size = size_of(self._server | (dict.fromkeys(OF_THE_PEER, "") if local else {}))

    def for_core(self) -> HttpDoor:
        """The same door, for one core alone."""
        return self

    def drain(self, timeout: float) -> None:
        """Nothing stands between the cores and the clients."""

    def receive(self, fd: int, data: bytes, peer: Any, core: CoreRow) -> Request | None:
        """Read one request; None when there is none to be had from this client."""
        if not data:
            if not self.tcp:
                os.set_blocking(fd, False)  # a UNIX socket inherits no timeout from its listener
            try:
                data = read(fd, CHUNK)
            except BlockingIOError:
                data = self._late(fd)
        try:
            known = recall(data, self.most)
        except HeadError as problem:
            self._refuse(fd, problem.status, str(problem), core)
            return None
        if isinstance(known, bytes) or (end := len(data)) > self._most_shown:
            return self._receive(fd, data, known, peer, core)
        shape, target, path, query, cookie = known
        environ = shape.environ | self._server
        environ["REQUEST_URI"] = target
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        if cookie:
            environ["HTTP_COOKIE"] = cookie
        address = port = ""
        if self.tcp:
            environ["REMOTE_ADDR"] = address = peer[0]
            environ["REMOTE_PORT"] = port = str(peer[1])
        request = Request(fd, environ, core, EMPTY, self.timeout)
        if self.measures:
            texts = "".join((target, path, query, cookie, address, port))
            request.packet_size = shape.size + self._size + len(texts)
        if self.keep:
            request.keep = shape.keep
        core.shown[:end] = data
        core.words[14] = end | SHOWN_HTTP
        return request

    def _receive(
        self, fd: int, data: bytes, known: Recalled | bytes, peer: Any, core: CoreRow
    ) -> Request | None:
        """Read a request whose like is not known, or that has a body."""
        try:
            found = self._read(fd, data, known)
        except HeadError as problem:
            self._refuse(fd, problem.status, str(problem), core)
            return None
        if found is None:
            core.read_errors += 1
            return None
        head, data, end = found
        environ = head.environ | self._server
        if self.tcp:
            environ["REMOTE_ADDR"] = peer[0]
            environ["REMOTE_PORT"] = str(peer[1])
        request = Request(fd, environ, core, EMPTY, self.timeout)
        if head.content_length or head.chunked:
            self._expect_body(request, head, data, end)
        if self.keep:
            request.keep = head.keep_alive
            if len(data) > end and not head.chunked:
                request.beyond = data[end + head.content_length :]
        size = min(end, MAX_SHOWN)
        core.shown[:size] = data[:size]
        core.words[14] = size | SHOWN_HTTP
        return request

    def _read(self, fd: int, data: bytes, key: Recalled | bytes) -> tuple[Head, bytes, int] | None:
        """Read a head line by line: it, what has come, and where it ends; None if there is none."""
        came = len(data)
        end = head_end(data)
        if end < 0 or end - 4 > self.limit:
            data = self._whole_head(fd, data)
            end = head_end(data)
            if end < 0:
                return None
        if end != came or not isinstance(key, bytes):
            key = b""  # there is more than a head, or it is too long, or known
        return read_head(data[:end], self.most, key), data, end

    def _expect_body(self, request: Request, head: Head, data: bytes, end: int) -> None:
        body: Body
        if head.chunked:
            body = ChunkedBody(request.fd, data[end:], self.timeout)
        else:
            body = SizedBody(request.fd, data[end:], head.content_length, self.timeout)
        if head.expect and len(data) == end:
            body = ExpectedBody(request, body)
        request.body = body

    def _late(self, fd: int) -> bytes:
        """Wait for what a client says; b"" when it is silent for too long."""
        try:
            wait_for(fd, select.POLLIN, self.timeout)
        except TimeoutError:
            return b""
        return os.read(fd, CHUNK)

    def _whole_head(self, fd: int, data: bytes) -> bytes:
        """Read on until the head is whole; b"" when the client was sent away or has gone."""
        # Beyond: the limit is for the whole head, so that a byte now and then does not hold a core.
        end = time.monotonic() + self.timeout
        while data and head_end(data) < 0 and len(data) <= self.limit:
            check_unfinished(data, self.limit)
            try:
                wait_for(fd, select.POLLIN, end - time.monotonic())
                part = os.read(fd, CHUNK)
            except BlockingIOError:
                continue
            except TimeoutError:
                self._send_last(fd, "408 Request Timeout")
                return b""
            data = data + part if part else b""
        if data and not 0 <= head_end(data) <= self.limit + 4:
            check_unfinished(data, self.limit)  # which may know a better word
            raise HeadError(f"no end within {self.limit} bytes", TOO_LARGE)
        return data

    def _refuse(self, fd: int, status: str, reason: str, core: CoreRow) -> None:
        log.line(f"invalid HTTP request: {reason}")
        core.read_errors += 1
        self._send_last(fd, status)

    def _send_last(self, fd: int, status: str) -> None:
        text = status[4:]
        answer = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        )
        try:
            os.write(fd, answer.encode())
            close_gently(fd)
        except OSError:
            pass  # it has gone already


def close_gently(fd: int) -> None:
    """Say that no more will come and swallow what the client still sends, within limits.

    A close over unread bytes would be a reset, and might take the answer with it.
    """
    with socket.socket(fileno=os.dup(fd)) as client:
        client.shutdown(socket.SHUT_WR)
        end = time.monotonic() + 1.0
        for _ in range(64):
            try:
                wait_for(fd, select.POLLIN, end - time.monotonic())
                if not os.read(fd, CHUNK):
                    return
            except BlockingIOError:
                continue
            except OSError:
                return
