"""A request inside a core, and the answer to it.

Section:  ground / one request on its way
What:     the client's descriptor, the vars, the body that is still to come, and the numbers of
          which the log line and the statistics are made.  The stages (static files, routes,
          the application) get it one after the other; the first that takes it answers.
Units:    sizes are bytes, timeouts seconds.
Errors:   `OSError` from the client's socket goes to the caller; `TimeoutError` is one of these.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Any, Protocol

from refuwsgi.scoreboard import CoreRow

NEXT, DONE, GIVEN = 0, 1, 2  # a stage's answer: not mine, answered, the client has a new owner

PROTOCOLS = {"HTTP/1.1": "HTTP/1.1", "HTTP/1.0": "HTTP/1.0"}

NO_BODY = b""
CHUNK = 65536  # bytes of a body that are read at once
CALM = 32768  # bytes that a socket takes without a wait, if nothing was sent before


class Body(Protocol):
    """What the client sends behind the head."""

    @property
    def left(self) -> int:
        """Bytes that are still to be read; while a chunked body goes on, at least 1."""
        ...

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end; all that is left when `size` is negative."""
        ...


class EmptyBody:
    """The body of a request that has none."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 0

    def receive(self, limit: int) -> bytes:
        """Return the end."""
        return b""

    def read(self, size: int = -1) -> bytes:
        """Return the end."""
        return b""


EMPTY = EmptyBody()


class SizedBody:
    """A body of known size; its first part may have come with the head."""

    __slots__ = ("_fd", "_held", "_timeout", "left")

    def __init__(self, fd: int, held: bytes, size: int, timeout: float) -> None:
        self._fd = fd
        self._held = held[:size]
        self._timeout = timeout
        self.left = size

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        limit = min(limit, self.left)
        if limit <= 0:
            return b""
        if self._held:
            found, self._held = self._held[:limit], self._held[limit:]
        else:
            found = read_some(self._fd, limit, self._timeout)
            if not found:
                raise ConnectionResetError("the client left in the middle of the body")
        self.left -= len(found)
        return found

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        wanted = self.left if size < 0 else min(size, self.left)
        parts = []
        while wanted > 0:
            part = self.receive(min(wanted, CHUNK))
            parts.append(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def held(self) -> bytes:
        """Take what has come already, without asking the client for more."""
        found, self._held = self._held, b""
        self.left -= len(found)
        return found


def wait_for(fd: int, event: int, timeout: float) -> None:
    """Sleep until a descriptor is ready; TimeoutError when that takes too long."""
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, timeout) * 1000):
        raise TimeoutError("the client is silent" if event == select.POLLIN else "nobody reads")


def read_some(fd: int, limit: int, timeout: float) -> bytes:
    """Read what there is, and wait for it if there is nothing yet."""
    while True:
        try:
            return os.read(fd, limit)
        except BlockingIOError:
            wait_for(fd, select.POLLIN, timeout)


class Request:
    """One request: who asks, what for, and what became of it."""

    # Most of these keep their first value in most requests: as defaults of the class they cost
    # a request nothing.  What every request is asked for is quicker to find in the request.
    keep = False  # may the connection stay
    status = 500
    headers = 0
    head_size = 0
    size = 0  # of the body of the answer
    out = 0  # bytes given to the socket
    http = True  # came over an HTTP socket
    wary = False  # writes no longer wait in the kernel, where no timeout would end them
    chunks = 0
    via = ""  # how the body went: "", sendfile, offload, route
    app = -1  # the number of the application; -1: none was reached
    log = True
    started = 0  # microseconds of the wall clock
    modifier2 = 0
    core_number = 0
    worker = 0
    packet_size = 0
    extra_headers: list[tuple[str, str]]  # appended to those of the answer
    beyond = b""  # what came behind the request: the beginning of the next one
    logvars: dict[str, str] | None = None
    offload: Callable[[Any, Request], bool] | None = None

    def __init__(
        self,
        fd: int,
        environ: dict[str, Any],
        core: CoreRow,
        body: Body = EMPTY,
        timeout: float = 4.0,
    ) -> None:
        self.fd = fd
        self.environ = environ
        self.core = core
        self.body = body
        self.timeout = timeout
        self.protocol = PROTOCOLS.get(environ.get("SERVER_PROTOCOL", ""), "HTTP/1.0")
        self.modifier1 = 0
        self.extra_headers = []
        self.removed_headers: tuple[str, ...] = ()  # in lower case: these do not go out
        self.routed: Any = None  # routing.answer.Routed: what rules have said of the answer

    def head(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        """Make the head of the answer and note what it says."""
        if self.routed is not None:
            text: bytes = self.routed.head(self, status, headers)
            return text
        return self.plain_head(status, headers)

    def plain_head(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        """Make the head, whatever rules have said."""
        if self.removed_headers:
            removed = self.removed_headers
            headers = [each for each in headers if each[0].lower() not in removed]
        if self.extra_headers:
            headers = headers + self.extra_headers
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        return self.head_of(status, f"{status}\r\n{lines}\r\n", len(headers))

    def head_of(self, status: str, text: str, count: int) -> bytes:
        """Make the head of the `text` behind the protocol, with `count` headers in it."""
        head = f"{self.protocol} {text}".encode("latin-1")
        try:
            self.status = int(status[:3])
        except ValueError:
            self.status = 0
        self.headers = count
        self.head_size = len(head)
        return head

    @property
    def unchanged(self) -> bool:
        """Say whether headers go out as the application gives them."""
        return not (self.extra_headers or self.removed_headers or self.routed is not None)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; the client has `timeout` seconds for each step forward."""
        if self.routed is not None and self.routed.takes(self, data):
            return
        size = len(data)
        self.out = out = self.out + size
        if out > CALM and not self.wary:
            # What a fresh socket takes without a wait needs no caution, and no call for it.
            os.set_blocking(self.fd, False)
            self.wary = True
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.core.write_errors += 1
            raise
        if sent < size:
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, rest: memoryview) -> None:
        try:
            while rest:
                wait_for(self.fd, select.POLLOUT, self.timeout)
                try:
                    rest = rest[os.write(self.fd, rest) :]
                except BlockingIOError:
                    continue
        except OSError:
            self.core.write_errors += 1
            raise

    def respond(self, status: str, headers: list[tuple[str, str]], body: bytes = b"") -> None:
        """Send a whole answer in one piece."""
        head = self.head(status, headers)
        self.size += len(body)
        self.send(head + body if body and self.environ.get("REQUEST_METHOD") != "HEAD" else head)

    def fail(self, status: str) -> None:
        """Answer with a status, its own words as the body, and the end of the connection."""
        self.keep = False
        text = status[4:].encode("latin-1")
        fields = [("Connection", "close"), ("Content-Type", "text/plain")]
        self.respond(status, [*fields, ("Content-Length", str(len(text)))], text)

    @property
    def tapped(self) -> bool:
        """Say whether all of the answer has to go through `send`."""
        return self.routed is not None and self.routed.taps

    def give_away(self) -> int:
        """Detach the client's descriptor: somebody else answers and closes it from here on."""
        fd, self.fd = self.fd, -1
        self.keep = False
        return fd


Stage = Callable[[Request], int]
