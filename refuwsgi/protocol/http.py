r"""The head of an HTTP request becomes vars, and a status with headers becomes a head.

Section:  ground / HTTP
What:     finds the end of a head, reads it into the vars of CGI, and says how the body is framed.

              GET /a?b=c HTTP/1.1\r\n          REQUEST_METHOD REQUEST_URI PATH_INFO ...
              Host: example.com\r\n            HTTP_HOST
              Content-Length: 3\r\n            CONTENT_LENGTH; content_length = 3
              \r\n

          What two readers could understand in two ways is refused: that is how requests are
          smuggled past a proxy.  Speed comes from doing nothing per byte (one decode, one split)
          and from remembering header lines, most of which every request repeats.
Units:    sizes are bytes.
Errors:   `HeadError` with the status to refuse with; after it nothing more of that connection
          may be read as a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from refuwsgi.options import Option, number
from refuwsgi.protocol.http_alike import SECRETS, learn, recall
from refuwsgi.protocol.http_chunks import ChunkDecoder as ChunkDecoder
from refuwsgi.protocol.http_chunks import ChunkError as ChunkError
from refuwsgi.protocol.http_target import (
    AUTHORITY,
    CONTROLS_BUT_TAB,
    METHODS,
    NOT_IMPLEMENTED,
    PROTOCOLS,
    TOKEN,
    TOO_LARGE,
    URI_TOO_LONG,
    asks_for_tunnel,
    has_any,
    only,
    protocol_of,
    target_of,
)
from refuwsgi.protocol.http_target import HeadError as HeadError

MAX_VARS = Option(
    "max-vars",
    number,
    default=64,
    help="most vars of a request; HTTP may have twice as many headers",
    aliases=("v",),
)

END = b"\r\n\r\n"
MAX_HEADERS = 128  # twice the default of max-vars, as uWSGI counts half pairs
LENGTH_DIGITS = 18  # enough for a body of 10^18 bytes, and below 2^63
BLANK = 8  # bytes of empty lines before a request that are forgiven
LINES, LINE = 1024, 256  # header lines that are remembered, and the longest of them
NAMES, NAME = 1024, 64

Pair = tuple[str, str]

_lines: dict[str, Pair] = {}
_names: dict[str, str] = {}  # header name -> var; "" for one that is dropped


class Head(NamedTuple):
    """A request head, understood."""

    environ: dict[str, str]
    content_length: int
    chunked: bool
    keep_alive: bool
    expect: bool  # the client waits for "100 Continue" before it sends its body


# A third of the time goes into the checks of the class's own constructor.
_head: Callable[[type[Head], tuple[dict[str, str], int, bool, bool, bool]], Head] = tuple.__new__


def head_end(data: bytes | bytearray, searched: int = 0) -> int:
    """Find where a head ends, behind its empty line; -1 while it is incomplete.

    `searched` is how much of `data` an earlier call has seen: looking again at every
    byte with every packet would let a slow client buy time for nothing.
    """
    start = searched - 3 if searched > 3 else 0
    if data[:2] == b"\r\n":
        start = max(start, _blank(data))
    found = data.find(END, start)
    return found + 4 if found >= 0 else -1


def check_unfinished(data: bytes | bytearray, limit: int) -> None:
    """Refuse the beginning of a head that can no longer become one, or is too long."""
    if data[:1] < b" " and data[:1] not in (b"", b"\r"):
        raise HeadError("binary data instead of a request")
    if data.count(b"\n") != data.count(b"\r\n"):
        raise HeadError("a line ends without CR")
    if len(data) >= limit:
        line_ends = b"\r\n" in data
        raise HeadError(f"no end within {limit} bytes", TOO_LARGE if line_ends else URI_TOO_LONG)


def parse_head(data: bytes, end: int, most: int = MAX_HEADERS) -> Head:
    """Read the head data[:end], of which `head_end` found the end."""
    head = data[:end]
    known = recall_head(head, most)
    return known if isinstance(known, Head) else read_head(head, most, known)


def recall_head(data: bytes, most: int = MAX_HEADERS) -> Head | bytes:
    """Read what has come, if its like is known and it is one head and no more.

    Otherwise give what `read_head` is to learn it by, if it turns out to be one.
    """
    known = recall(data, most)
    if isinstance(known, bytes):
        return known
    shape, target, path, query, cookie = known
    environ = shape.environ.copy()
    environ["REQUEST_URI"] = target
    environ["PATH_INFO"] = path
    environ["QUERY_STRING"] = query
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    return _head(Head, (environ, *shape.facts))


def read_head(head: bytes, most: int = MAX_HEADERS, key: bytes = b"") -> Head:
    """Read a head line by line; if there is a key, learn to recall its like."""
    text = head.decode("latin-1")
    if text[0] == "\r":
        text = text[_blank(head) :]
    lines = text.split("\r\n")
    if len(lines) - 3 > most:
        raise HeadError(f"more than {most} headers", TOO_LARGE)
    environ, authority = _of_line(lines[0])
    remembered = _lines.get
    for line in lines[1:-2]:
        var, value = remembered(line) or _header(line)
        if not var:
            continue
        if var in environ:
            value = _joined(var, environ[var], value)
        environ[var] = value
    protocol = environ["SERVER_PROTOCOL"]
    if protocol == "HTTP/1.1" and "HTTP_HOST" not in environ:
        raise HeadError("HTTP/1.1 without Host")
    if authority:
        environ["HTTP_HOST"] = authority
    found = _framed(environ, protocol)
    if key and not authority:
        learn(key, environ, found[1:], len(lines) - 3)
    return found


def _of_line(line: str) -> tuple[dict[str, str], str]:
    """Read the request line: its vars, and the authority that it names, if any."""
    try:
        method, target, version = line.split(" ")
    except ValueError:
        raise HeadError("the request line has not three words") from None
    odd = method not in METHODS and asks_for_tunnel(method)
    protocol = PROTOCOLS.get(version) or protocol_of(version)
    path, _, query = target.partition("?")
    authority = ""
    odd = odd or path[:1] != "/" or "%" in path or "/." in path or "#" in target
    if odd or not target.isprintable():
        path, query, authority = target_of(method, target)
    return {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": protocol,
        "SCRIPT_NAME": "",
    }, authority


def _blank(data: bytes | bytearray) -> int:
    """How many bytes of empty lines come before the request; a few are forgiven."""
    start = 0
    while start <= BLANK and data[start : start + 2] == b"\r\n":
        start += 2
    return start if start <= BLANK else 0


def _header(line: str) -> Pair:
    """Read a header line that is not remembered."""
    name, colon, value = line.partition(":")
    if not colon:
        raise HeadError("a header without a colon")
    key = _names.get(name)
    if key is None:
        key = _key_of(name)
    # Departure: uWSGI keeps what follows a value, and lets control characters pass.
    value = value.strip(" \t")
    if not value.isprintable() and has_any(value, CONTROLS_BUT_TAB):
        raise HeadError(f"a control character in {name}")
    if key == "HTTP_HOST" and not only(value, AUTHORITY):
        raise HeadError("Host is no host")
    pair = key, value
    if len(line) <= LINE and key != "HTTP_COOKIE" and key not in SECRETS:
        if len(_lines) >= LINES:
            _lines.clear()
        _lines[line] = pair
    return pair


def _key_of(name: str) -> str:
    """Name the var of a header."""
    if not name or not only(name, TOKEN):  # a space before the colon, a folded line
        raise HeadError("a header's name is not a token")
    key = "HTTP_" + name.upper().replace("-", "_")
    if "_" in name or key == "HTTP_PROXY":
        # Departure: X_A would pass for X-A, and Proxy for the variable of HTTP libraries.
        key = ""
    elif key in ("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"):
        key = key[5:]
    if len(name) <= NAME:
        if len(_names) >= NAMES:
            _names.clear()
        _names[name] = key
    return key


def _joined(key: str, before: str, value: str) -> str:
    """Join the values of a header that comes twice, unless that is a trick."""
    if key in ("CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_HOST", "HTTP_TRANSFER_ENCODING"):
        raise HeadError(f"{key} comes twice")
    return f"{before}, {value}"


def _framed(environ: dict[str, str], protocol: str) -> Head:
    """Say how long the body is and whether the connection may be kept."""
    modern = protocol == "HTTP/1.1"
    connection = environ.get("HTTP_CONNECTION")
    keep = modern and (connection is None or not _lists(connection, "close"))
    length, chunked = environ.get("CONTENT_LENGTH"), False
    if "HTTP_TRANSFER_ENCODING" in environ:
        if length is not None or not modern:
            raise HeadError("Transfer-Encoding beside Content-Length, or in HTTP/1.0")
        # ASCII case only; no character of Latin-1 folds into the letters of this word.
        if environ["HTTP_TRANSFER_ENCODING"].lower() != "chunked":
            raise HeadError("a transfer coding that is not chunked", NOT_IMPLEMENTED)
        chunked = True
    if length is None:
        size = 0
    elif length.isdecimal() and len(length) <= LENGTH_DIGITS:
        size = int(length)
    else:
        raise HeadError("Content-Length is no number")
    expect = modern and environ.get("HTTP_EXPECT", "").lower() == "100-continue"
    return _head(Head, (environ, size, chunked, keep, expect))


def _lists(value: str, word: str) -> bool:
    """Say whether a comma-separated value contains a word, in any case."""
    return word in [each.strip(" \t") for each in value.lower().split(",")]


def head_of(protocol: str, status: str, headers: Iterable[Pair]) -> bytes:
    """Make the head of a response; UnicodeEncodeError when it is no Latin-1."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"{protocol} {status}\r\n{lines}\r\n".encode("latin-1")
