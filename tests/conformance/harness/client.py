"""Clients: raw bytes out, an `Answer` back; kept connections; readers that do not read.

What: an address is a port of 127.0.0.1, ``host:port``, a path or ``@name``.  Nothing here knows
      more HTTP than it takes to find the end of a head and of a body with a length.
"""

import json
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from . import wire
from .errors import Late
from .packet import packet, request_vars
from .proc import LIMIT, allowed

Pairs = Iterable[tuple[str, str]]


class Answer:
    """What came back until the other side closed, and how it ended: "closed" or "reset"."""

    def __init__(self, raw: bytes, end: str = "closed") -> None:
        self.raw = raw
        self.end = end
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status_line = lines[0]
        self.headers = [(k, v.strip()) for k, _, v in (line.partition(":") for line in lines[1:])]

    @property
    def status(self) -> int:
        """The status as a number, 0 if there is none."""
        words = self.status_line.split(" ")
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("latin-1")

    @property
    def names(self) -> list[str]:
        """The header names in order."""
        return [name for name, _ in self.headers]

    def get(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        shown = self.raw if len(self.raw) < 600 else self.raw[:600] + b"..."
        return f"<{len(self.raw)} bytes, {self.end}: {shown!r}>"


def connect(address: str | int, limit: float = LIMIT, receive_buffer: int = 0) -> socket.socket:
    """Open a connection, with a limit for each later operation."""
    text = str(address)
    host, _, port = text.rpartition(":")
    tcp = "/" not in text and not text.startswith("@") and port.isdigit()
    sock = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
    sock.settimeout(allowed(limit))
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        if tcp:
            sock.connect((host or "127.0.0.1", int(port)))
        else:
            sock.connect("\0" + text[1:] + "\0" if text.startswith("@") else text)
    except BaseException:
        sock.close()
        raise
    return sock


class Client:
    """One connection; use it in a with statement."""

    def __init__(
        self,
        address: str | int,
        data: bytes = b"",
        *,
        limit: float = LIMIT,
        receive_buffer: int = 0,
    ) -> None:
        self.peer = str(address)
        self.sock = connect(address, limit, receive_buffer)
        self.received = b""
        if data:
            self.send(data)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send all of it; that the other side has gone shows when reading."""
        wire.sent(self.peer, data)
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def more(self, size: int = 65536) -> bytes:
        """Receive once; b"" at the end."""
        try:
            data = self.sock.recv(size)
        except TimeoutError:
            raise Late(f"no byte came; so far {self.received[-300:]!r}") from None
        wire.received(self.peer, data)
        self.received += data
        return data

    def until(self, marker: bytes) -> bytes:
        """Receive until the marker stands in what came; return what came before and with it."""
        while marker not in self.received:
            if not self.more():
                raise AssertionError(f"closed before {marker!r}: {self.received!r}")
        head, _, self.received = self.received.partition(marker)
        return head + marker

    def rest(self) -> Answer:
        """Receive until the end."""
        pieces = [self.received]
        self.received = b""
        try:
            while data := self.more():
                pieces.append(data)
                self.received = b""
        except ConnectionResetError:
            return Answer(b"".join(pieces), "reset")
        return Answer(b"".join(pieces))

    def answer(self) -> Answer:
        """Receive one answer that says its length, and leave the connection open."""
        head = self.until(b"\r\n\r\n")
        size = int(Answer(head).get("content-length") or 0)
        while len(self.received) < size:
            if not self.more():
                raise AssertionError(f"closed within the body: {self.received!r}")
        body, self.received = self.received[:size], self.received[size:]
        return Answer(head + body)


def exchange(address: str | int, data: bytes, *, half_close: bool = False) -> Answer:
    """Send bytes, receive until the other side closes."""
    with Client(address, data) as client:
        if half_close:
            client.half_close()
        return client.rest()


def request(
    path: str = "/",
    method: str = "GET",
    headers: Pairs = (),
    body: bytes = b"",
    version: str = "HTTP/1.1",
) -> bytes:
    """Make the bytes of an HTTP request, with a Host and with a Content-Length for a body."""
    lines = [f"{method} {path} {version}", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(address: str | int, path: str = "/", *headers: tuple[str, str]) -> Answer:
    """Make a GET request over HTTP."""
    return exchange(address, request(path, headers=headers))


def post(address: str | int, path: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    """Make a POST request over HTTP."""
    return exchange(address, request(path, "POST", headers, body))


def ask(address: str | int, path: str = "/", method: str = "GET", **variables: str) -> Answer:
    """Make a request over the uwsgi protocol."""
    return exchange(address, packet(request_vars(path, method, **variables)))


def stats(address: str | int) -> Any:
    """Read the stats server."""
    return json.loads(exchange(address, b"").raw)
