"""Status and headers of an answer, checked before anything is sent.

Section:  ground / the application; what a head may contain
What:     turns what an application gives to start_response into a head that cannot be taken for
          two, and finds out how long the body will be.  What has passed once is remembered.
Units:    sizes are bytes.
Errors:   `TypeError` and `ValueError`, raised in the application's own call.
"""

from __future__ import annotations

from refuwsgi.protocol.http_target import CONTROLS_BUT_TAB, TOKEN, has_any, only

REMEMBERED = 512  # names, and statuses, and heads
SHORT = 1024  # characters of a head that is worth remembering
LARGEST_HEAD = 65535  # as uWSGI has it
UNKNOWN = -1  # no Content-Length
AT_ONCE = 24576  # bytes of a body that a socket takes with its head and without a wait
OTHER, LENGTH, CONNECTION, CODING = range(4)  # what a header means for the connection

KINDS = {"content-length": LENGTH, "connection": CONNECTION, "transfer-encoding": CODING}
REASONS = {
    "200": "OK",
    "201": "Created",
    "202": "Accepted",
    "204": "No Content",
    "206": "Partial Content",
    "301": "Moved Permanently",
    "302": "Found",
    "303": "See Other",
    "304": "Not Modified",
    "307": "Temporary Redirect",
    "308": "Permanent Redirect",
    "400": "Bad Request",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "Not Found",
    "405": "Method Not Allowed",
    "409": "Conflict",
    "410": "Gone",
    "413": "Content Too Large",
    "422": "Unprocessable Content",
    "429": "Too Many Requests",
    "500": "Internal Server Error",
    "501": "Not Implemented",
    "502": "Bad Gateway",
    "503": "Service Unavailable",
    "504": "Gateway Timeout",
}


class Told:
    """The head of an answer that may be sent again: it is the same for each request of a kind."""

    __slots__ = ("end", "head", "size")

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.size = len(head)
        self.end = ""  # of a line of the request log, once there was one (request_log.py)


class Fields:
    """Status and headers that may be sent, and what they mean."""

    __slots__ = ("code", "count", "headers", "heads", "keep", "length", "status", "text", "whole")

    def __init__(
        self, status: str, headers: list[tuple[str, str]], length: int, *, keep: bool, text: str
    ) -> None:
        self.status = status
        self.code = int(status[:3])
        self.headers = headers
        self.count = len(headers)
        self.length = length  # of the body; UNKNOWN when nothing is said of it
        self.keep = keep  # may the connection stay
        self.text = text  # the head as it is sent, behind the protocol
        self.heads: dict[str, Told] = {}  # what was sent before, by protocol
        bodily = not has_no_body(status, "") and 0 < length <= AT_ONCE
        self.whole = length if bodily else UNKNOWN  # of a body that can go out with its head

    def head_of(self, protocol: str) -> Told:
        """Make the head for a protocol, and remember it as long as these fields are."""
        head = f"{protocol} {self.text}".encode("latin-1")
        if len(head) > LARGEST_HEAD:
            raise ValueError(f"a head of {len(head)} bytes, at most {LARGEST_HEAD} allowed")
        self.heads[protocol] = told = Told(head)
        return told


_kinds: dict[str, int] = {}
_statuses: dict[str, str] = {}
_fields: dict[tuple[object, ...], Fields] = {}


def fields_of(status: str, headers: list[tuple[str, str]]) -> Fields:
    """Check what start_response was given; a head that an application repeats is known."""
    if type(headers) is not list:
        raise TypeError("http headers must be in a python list")
    try:
        key = (status, *headers)
        known = _fields.get(key)
    except TypeError:  # it cannot be looked up, so it is no head, either
        known = key = None
    if known is not None:
        return known
    checked = status_of(status)
    length, keep = length_of(headers)
    text = f"{checked}\r\n{lines_of(headers)}\r\n"
    found = Fields(checked, headers[:], length, keep=keep, text=text)
    if key is not None and len(text) <= SHORT:
        if len(_fields) >= REMEMBERED:
            _fields.clear()
        _fields[key] = found
    return found


def lines_of(headers: list[tuple[str, str]]) -> str:
    """The lines of headers, as they are sent."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def status_of(status: str) -> str:
    """Check a status; one without words gets its usual ones."""
    known = _statuses.get(status) if type(status) is str else None
    if known is not None:
        return known
    if not isinstance(status, str):
        raise TypeError("http status must be a string")
    code, blank, reason = status.partition(" ")
    if len(code) != 3 or not code.isascii() or not code.isdecimal() or code[0] == "0":
        # Departure: uWSGI sends no head at all.
        raise ValueError(f"http status must begin with three digits, got {status!r}")
    _check_text(reason, "status")
    checked = status if blank else f"{code} {REASONS.get(code, 'Unknown')}"
    if len(_statuses) >= REMEMBERED:
        _statuses.clear()
    _statuses[status] = checked
    return checked


def length_of(headers: list[tuple[str, str]]) -> tuple[int, bool]:
    """Check headers; return the length that they announce, and whether the connection may stay."""
    length, keep = UNKNOWN, True
    for item in headers:
        if type(item) is not tuple or len(item) != 2:
            raise TypeError("http header must be defined in a tuple of two")
        name, value = item
        kind = _kinds.get(name)
        if kind is None:
            kind = _kind_of(name)
        if type(value) is not str or not (value.isascii() and value.isprintable()):
            _check_text(value, name)
        if kind == LENGTH:
            keep = keep and length == UNKNOWN  # twice the same is no mistake, but odd
            length = _length(length, value)
        elif kind == CODING or (kind == CONNECTION and "close" in value.lower()):
            # An application that codes its body itself knows best where it ends; we do not.
            keep = False
    return length, keep


def _kind_of(name: str) -> int:
    """Check the name of a header that is not remembered."""
    if not isinstance(name, str):
        raise TypeError("http header name must be a string")
    if not name or not name.isascii() or not only(name, TOKEN):
        raise ValueError(f"http header name must be a token, got {name!r}")
    kind = KINDS.get(name.lower(), OTHER)
    if len(_kinds) >= REMEMBERED:
        _kinds.clear()
    _kinds[name] = kind
    return kind


def _check_text(value: str, name: str) -> None:
    if not isinstance(value, str):
        raise TypeError("http header value must be a string")
    try:
        # Departure: uWSGI sends CR and LF as they are, so that a value can forge a header.
        if has_any(value, CONTROLS_BUT_TAB):
            raise ValueError(f"a control character in the value of {name}")
    except UnicodeEncodeError:
        raise TypeError("http header value must be encodable in latin1") from None


def _length(before: int, value: str) -> int:
    if not value.isascii() or not value.isdecimal():
        raise ValueError(f"Content-Length must be a number, got {value!r}")
    if before not in (UNKNOWN, int(value)):
        raise ValueError("Content-Length comes twice")
    return int(value)


def has_no_body(status: str, method: str) -> bool:
    """Say whether the answer ends with its head, whatever the application yields."""
    return method == "HEAD" or status[:3] in ("204", "304") or status[0] == "1"
