"""From a request's head to the uwsgi packet that a worker gets.

Section:  scaling / http; the packet
What:     what stays the same for every request is encoded once.  The rest is put together as
          text, one character for each byte, and encoded in one go.

              REQUEST_METHOD ... SCRIPT_NAME   SERVER_NAME ... REMOTE_PORT   HTTP_...   http-var
              from the request line            from the door and the peer    headers

          Of a head whose like is known even the vars need not be made: what is the same in all
          of them is kept as it stands in the packet.

              METHOD GET  URI [..]  PATH [..]  QUERY [..]  ... ADDR [..]  PORT [..]  ... COOKIE [..]

Units:    sizes are bytes.
Errors:   `TooLarge` for what does not fit into a packet, or not into those that the node takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from refuwsgi.protocol.http import MAX_HEADERS, HeadError
from refuwsgi.protocol.http_alike import SHAPES, Shape, recall
from refuwsgi.protocol.http_target import TOO_LARGE
from refuwsgi.protocol.uwsgi import HEADER

OF_THE_LINE: Final = 6  # how many vars `parse_head` makes of the request line; they come first
OF_THE_TARGET: Final = 4  # how many of them differ from request to request, or name the method
SHORT: Final = 512
SIZES: Final = [chr(size & 255) + chr(size >> 8) for size in range(SHORT)]
NAMES: Final = 1024  # sized names that are remembered

# A packet, the host that it is for, and whether the connection may be kept.
Ready = tuple[bytes, str, bool]

_names: dict[str, str] = {}


class TooLarge(HeadError):
    """The request does not fit into a packet."""


class Pieces(NamedTuple):
    """What is the same in the packets of heads that are alike, around what differs."""

    front: str  # from the protocol to the name of the peer's address; "" if there is more to do
    middle: str  # behind the peer, to the name of the cookies
    back: str | None  # behind the cookies; None when there are none
    host: str
    keep_alive: bool


def sized(string: str) -> str:
    """A string behind its own size."""
    size = len(string)
    if size < SHORT:
        return SIZES[size] + string
    return chr(size & 255) + chr(size >> 8) + string


def _named(name: str) -> str:
    if len(_names) >= NAMES:
        _names.clear()
    found = _names[name] = sized(name)
    return found


def encoded(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Encode vars as texts, one character for each byte."""
    known, sizes = _names.get, SIZES
    return [
        f"{known(name) or _named(name)}{sizes[len(value)]}{value}"
        if len(value) < SHORT
        else f"{known(name) or _named(name)}{sized(value)}"
        for name, value in pairs
    ]


ADDRESS: Final = sized("REMOTE_ADDR")
PORT: Final = sized("REMOTE_PORT")
URI: Final = encoded([("REQUEST_METHOD", "GET")])[0] + sized("REQUEST_URI")
PATH: Final = sized("PATH_INFO")
QUERY: Final = sized("QUERY_STRING")
COOKIE: Final = "HTTP_COOKIE"


class Packets:
    """Makes the packets of one door of the router."""

    def __init__(
        self,
        fixed: Iterable[tuple[str, str]],
        added: Iterable[tuple[str, str]] = (),
        *,
        name_is_host: str = "",
        limit: int = 0xFFFF,
    ) -> None:
        self._fixed = "".join(encoded(fixed))
        self._added = "".join(encoded(added))
        self._own_name = name_is_host  # our own name, for requests without Host; "" is not asked
        self._limit = limit
        self._pieces: dict[Shape, Pieces] = {}

    def ready(
        self, data: bytes, peer: tuple[str, str], modifiers: tuple[int, int]
    ) -> Ready | bytes:
        """Make the packet of what has come, if its like is known and there is no more to it.

        Otherwise give what `read_head` is to learn it by, if it turns out to be one head.
        """
        known = recall(data, MAX_HEADERS)
        if isinstance(known, bytes):
            return known
        shape, target, path, query, cookie = known
        front, middle, back, host, keep = self._pieces.get(shape) or self._learn(shape)
        if not front:
            return b""
        address, port = peer
        sizes = SIZES
        try:
            where = (PORT, sizes[len(port)], port) if port else ()
            cookies = (sizes[len(cookie)], cookie, back) if back is not None else ()
            text = "".join(
                (URI, sizes[len(target)], target, PATH, sizes[len(path)], path,
                 QUERY, sizes[len(query)], query, front, sizes[len(address)], address,
                 *where, middle, *cookies)
            )  # fmt: skip
        except IndexError:
            return b""  # something is too long to be short
        size = len(text)
        if size > self._limit:
            return b""  # the longer way tells why not
        return HEADER.pack(modifiers[0], size, modifiers[1]) + text.encode("latin-1"), host, keep

    def _learn(self, shape: Shape) -> Pieces:
        """Encode what is the same in all packets of a shape."""
        if len(self._pieces) >= SHAPES:
            self._pieces.clear()
        environ = shape.environ
        _, _, keep, expect = shape.facts
        if expect or "HTTP_UPGRADE" in environ:
            found = Pieces("", "", None, "", False)
        else:
            parts = encoded(environ.items())
            gap = list(environ).index(COOKIE) if COOKIE in environ else len(parts)
            front = "".join(parts[OF_THE_TARGET:OF_THE_LINE]) + self._fixed + ADDRESS
            middle = self._name_of(environ) + "".join(parts[OF_THE_LINE:gap])
            behind = "".join(parts[gap + 1 :]) + self._added
            host = environ.get("HTTP_HOST", "")
            if COOKIE in environ:
                found = Pieces(front, middle + sized(COOKIE), behind, host, keep)
            else:
                found = Pieces(front, middle + behind, None, host, keep)
        self._pieces[shape] = found
        return found

    def block(self, environ: dict[str, str], address: str, port: str) -> bytes:
        """Encode the vars of a request of the client at that address."""
        parts = encoded(environ.items())
        peer = f"{self._fixed}{ADDRESS}{SIZES[len(address)]}{address}"
        if port:
            # Departure: uWSGI swaps the bytes of the port.
            peer += f"{PORT}{SIZES[len(port)]}{port}"
        parts.insert(OF_THE_LINE, peer + self._name_of(environ))
        parts.append(self._added)
        text = "".join(parts)
        if len(text) > self._limit:
            raise TooLarge(f"vars of {len(text)} bytes, the node takes {self._limit}", TOO_LARGE)
        return text.encode("latin-1")

    def _name_of(self, environ: dict[str, str]) -> str:
        """The name of the server, where it is the host that was asked for."""
        if not self._own_name:
            return ""
        return encoded([("SERVER_NAME", environ.get("HTTP_HOST") or self._own_name)])[0]


def packet(block: bytes, modifier1: int, modifier2: int) -> bytes:
    """Put the header before a block."""
    return HEADER.pack(modifier1, len(block), modifier2) + block
