"""What the rules have said of an answer that is still to come.

Section:  ground / internal routing; the answer
What:     stands between whoever answers and the client, for the requests that a rule has
          touched and for no other.  Takes headers out, lets the later chains have a look, and
          leads the body through transformations.

              head --> collect --> error chain --> response chain --> client
              body -----------------------------> transformations --> client

Units:    none.
Errors:   `OSError` from the client's socket goes to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from refuwsgi.request import Request
from refuwsgi.routing.verdicts import BREAK

Headers = list[tuple[str, str]]
Run = Callable[[Request], int]
Data = bytes | bytearray | memoryview


class Transformation(Protocol):
    """What is done to a body on its way."""

    def feed(self, request: Request, data: bytes) -> bytes:
        """Take some of the body, give what may go on."""
        ...

    def finish(self, request: Request) -> bytes:
        """Give the rest: the body has ended."""
        ...

    def headers(self, request: Request, headers: Headers) -> Headers:
        """Change the headers; asked before the first byte goes out."""
        ...


class Collected(NamedTuple):
    """A header of the answer that becomes a variable."""

    header: str  # in lower case
    variable: str
    pull: bool


class Later(NamedTuple):
    """The chains that run when the answer comes."""

    error: Run | None = None
    response: Run | None = None
    final: Run | None = None
    collected: tuple[Collected, ...] = ()


class Routed:
    """One request, as the rules have left it."""

    __slots__ = (
        "_gone",
        "_head",
        "_later",
        "_running",
        "current",
        "deliver",
        "mute",
        "pending",
        "seen",
        "taps",
        "target",
        "transformations",
    )

    def __init__(self, later: Later) -> None:
        self._later = later
        self._running = False  # an action of a later chain speaks
        self._gone = False  # a chain has answered: nobody else does
        self._head: tuple[str, Headers] | None = None  # waits for the transformations
        self.current: tuple[str, Headers] | None = None  # the head that the chains look at
        self.seen = False  # an answer has begun
        self.taps = False  # the body must not go to the client by itself
        self.mute = False  # disableheaders
        self.pending: str | None = None  # clearheaders: a status without an answer
        self.target = ""  # of a goto
        self.transformations: list[Transformation] = []
        self.deliver: Callable[[Request, bytes], None] | None = None  # offload:

    def transform(self, transformation: Transformation) -> None:
        """Lead the body through this, too."""
        self.transformations.append(transformation)
        self.taps = True

    def answered(self) -> None:
        """The client has its answer: nobody gives another one."""
        self._gone = self.taps = self.seen = True

    # ------------------------------------------------------------------ asked by the request

    def head(self, request: Request, status: str, headers: Headers) -> bytes:
        """Make the head of an answer, or nothing: then it is not to be sent now."""
        if self._running:
            return request.plain_head(status, headers)
        if not self.seen:
            self.seen = True
            headers = self._collect(request, headers)
            self.current = (status, headers)
            if self._replaced(request, status):
                return b""
        if self._gone or self.mute:
            request.keep = False
            return b""
        if self.transformations:
            self._head = (status, headers)
            request.status = int(status[:3])
            return b""
        return request.plain_head(status, headers)

    def takes(self, request: Request, data: Data) -> bool:
        """Say whether the bytes are not for the client as they are."""
        if self._gone:
            request.size = max(0, request.size - len(data))
            return True
        if self._running or self._head is None:
            return False
        body = bytes(data)
        for each in self.transformations if body else ():
            body = each.feed(request, body)
        self._out(request, body)
        return True

    def end(self, request: Request) -> None:
        """The answer is whole."""
        if self._head is not None and not self._gone and request.fd >= 0:
            self._finish(request)
        if self._later.final is not None:
            self._running = True
            self._later.final(request)

    # ------------------------------------------------------------------ steps

    def _collect(self, request: Request, headers: Headers) -> Headers:
        for name, variable, pull in self._later.collected:
            values = [value for header, value in headers if header.lower() == name]
            if values:
                request.environ[variable] = values[0]
            if pull and values:
                headers = [each for each in headers if each[0].lower() != name]
        return headers

    def _replaced(self, request: Request, status: str) -> bool:
        """Run the chains; say whether one of them has answered."""
        later = self._later
        if later.error is None and later.response is None:
            return False
        request.status = int(status[:3])
        self._running = True
        try:
            for chain in (later.error, later.response):
                if chain is not None and chain(request) == BREAK:
                    self._gone = self.taps = True
                    request.keep = False
                    return True
        finally:
            self._running = False
        return False

    def _finish(self, request: Request) -> None:
        bodiless = request.environ.get("REQUEST_METHOD") == "HEAD" or request.status in (204, 304)
        rest = b""
        for each in () if bodiless else self.transformations:
            rest = (each.feed(request, rest) if rest else b"") + each.finish(request)
        if self.deliver is not None and not bodiless:
            self._running = True
            self.deliver(request, self._take_head(request))
        else:
            self._out(request, rest, last=True)

    def _out(self, request: Request, body: bytes, *, last: bool = False) -> None:
        if not body and not last:
            return
        head = self._take_head(request)
        if head or body:
            self._running = True
            request.send(head + body)
            self._running = False

    def _take_head(self, request: Request) -> bytes:
        if self._head is None or self._head[0] == "":
            return b""
        status, headers = self._head
        self._head = ("", [])  # it has gone
        for each in self.transformations:
            headers = each.headers(request, headers)
        return request.plain_head(status, headers)


NOTHING_LATER = Later()


def routed_of(request: Request) -> Routed:
    """What the rules have said of a request."""
    found: Routed | None = request.routed
    if found is None:
        found = request.routed = Routed(NOTHING_LATER)
    return found
