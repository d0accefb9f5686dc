"""From a request's head to the uwsgi packet that a worker gets.

Section:  scaling / http; the packet
What:     what stays the same for every request is encoded once.  The rest is put together as
          text, one character for each byte, and encoded in one go.

              REQUEST_METHOD ... SCRIPT_NAME   SERVER_NAME ... REMOTE_PORT   HTTP_...   http-var
              from the request line            from the door and the peer    headers

Units:    sizes are bytes.
Errors:   `TooLarge` for what does not fit into a packet, or not into those that the node takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from refuwsgi.protocol.http import HeadError
from refuwsgi.protocol.http_target import TOO_LARGE
from refuwsgi.protocol.uwsgi import HEADER

OF_THE_LINE: Final = 6  # how many vars `parse_head` makes of the request line; they come first
SHORT: Final = 512
SIZES: Final = [chr(size & 255) + chr(size >> 8) for size in range(SHORT)]
NAMES: Final = 1024  # sized names that are remembered

_names: dict[str, str] = {}


class TooLarge(HeadError):
    """The request does not fit into a packet."""


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

    def block(self, environ: dict[str, str], address: str, port: str) -> bytes:
        """Encode the vars of a request of the client at that address."""
        parts = encoded(environ.items())
        peer = f"{self._fixed}{ADDRESS}{SIZES[len(address)]}{address}"
        if port:
            # Departure: uWSGI swaps the bytes of the port.
            peer += f"{PORT}{SIZES[len(port)]}{port}"
        if self._own_name:
            peer += encoded([("SERVER_NAME", environ.get("HTTP_HOST") or self._own_name)])[0]
        parts.insert(OF_THE_LINE, peer)
        parts.append(self._added)
        text = "".join(parts)
        if len(text) > self._limit:
            raise TooLarge(f"vars of {len(text)} bytes, the node takes {self._limit}", TOO_LARGE)
        return text.encode("latin-1")


def packet(block: bytes, modifier1: int, modifier2: int) -> bytes:
    """Put the header before a block."""
    return HEADER.pack(modifier1, len(block), modifier2) + block
