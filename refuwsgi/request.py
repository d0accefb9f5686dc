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
from collections.abc import Callable, Iterable
from typing import Any

from refuwsgi.request_body import CHUNK as CHUNK
from refuwsgi.request_body import EMPTY as EMPTY
from refuwsgi.request_body import Body as Body
from refuwsgi.request_body import EmptyBody as EmptyBody
from refuwsgi.request_body import SizedBody as SizedBody
from refuwsgi.request_body import read_some as read_some
from refuwsgi.request_body import wait_for as wait_for
from refuwsgi.scoreboard import CoreRow

NEXT, DONE, GIVEN = 0, 1, 2  # a stage's answer: not mine, answered, the client has a new owner


class _Protocols(dict[Any, str]):
    """What an answer calls its protocol, by what the request has said."""

    def __missing__(self, said: Any) -> str:
        return "HTTP/1.0"


PROTOCOLS = _Protocols({"HTTP/1.1": "HTTP/1.1", "HTTP/1.0": "HTTP/1.0"})
Pair = tuple[str, str]

CALM = 32768  # bytes that a socket takes without a wait, if nothing was sent before


class Request:
    """One request: who asks, what for, and what became of it."""

    # Most of these keep their first value in most requests: as defaults of the class they cost
    # a request nothing.
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
    told: Any = None  # wsgi.fields.Told, for an answer of an application that was sent as a whole
    app = -1  # the number of the application; -1: none was reached
    log = True
    started = 0  # microseconds of the wall clock
    modifier1 = 0
    modifier2 = 0
    packet_size = 0
    beyond = b""  # what came behind the request: the beginning of the next one
    logvars: dict[str, str] | None = None
    offload: Callable[[Any, Request], bool] | None = None
    changed = False  # one of the next three was set: somebody else has a say in the head
    _extra: tuple[Pair, ...] = ()
    _removed: tuple[str, ...] = ()
    _routed: Any = None

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
        self.protocol = PROTOCOLS[environ.get("SERVER_PROTOCOL")]

    @property
    def core_number(self) -> int:
        """The number of the core that serves it, within its worker."""
        return self.core.number

    @property
    def worker(self) -> int:
        """The number of the worker, from 1."""
        return self.core.worker

    @property
    def extra_headers(self) -> tuple[Pair, ...]:
        """What is appended to the headers of the answer."""
        return self._extra

    @extra_headers.setter
    def extra_headers(self, pairs: Iterable[Pair]) -> None:
        self._extra, self.changed = tuple(pairs), True

    @property
    def removed_headers(self) -> tuple[str, ...]:
        """The headers, in lower case, that do not go out."""
        return self._removed

    @removed_headers.setter
    def removed_headers(self, names: tuple[str, ...]) -> None:
        self._removed, self.changed = names, True

    @property
    def routed(self) -> Any:
        """What rules have said of the answer: a `routing.answer.Routed`, or None."""
        return self._routed

    @routed.setter
    def routed(self, rules: Any) -> None:
        self._routed, self.changed = rules, True

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
            headers = [*headers, *self.extra_headers]
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
        return not (self.changed and (self._extra or self._removed or self._routed is not None))

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; the client has `timeout` seconds for each step forward."""
        if self.changed and self._routed is not None and self._routed.takes(self, data):
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
