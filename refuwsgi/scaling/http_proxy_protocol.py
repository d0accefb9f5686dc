r"""A line in front of the request in which a balancer says who the client is.

Section:  scaling / http; the PROXY protocol
What:     reads version 1 of the protocol, which is text.

              PROXY TCP4 198.51.100.7 192.0.2.1 4711 80\r\n
              PROXY UNKNOWN\r\n                             the balancer's own connection

Units:    sizes are bytes.
Errors:   `HeadError` for a line that begins like one and is none.
"""

from __future__ import annotations

import socket
from typing import Final, NamedTuple

from refuwsgi.protocol.http import HeadError

BEGIN: Final = b"PROXY "
LONGEST: Final = 107  # bytes of a line, its end included
FAMILIES: Final = {"TCP4": socket.AF_INET, "TCP6": socket.AF_INET6}


class Introduction(NamedTuple):
    """Who the client is; empty when the balancer does not say."""

    address: str
    port: str
    size: int  # of the line


def may_begin(data: bytes) -> bool:
    """Say whether `data` may be the beginning of such a line."""
    return data.startswith(BEGIN) or BEGIN.startswith(data)


def split(data: bytes) -> Introduction | None:
    """Read the line that `data` begins with; None while, or because, there is none."""
    if not data.startswith(BEGIN):
        return None
    end = data.find(b"\r\n", 0, LONGEST)
    if end < 0:
        if len(data) >= LONGEST:
            raise HeadError("a PROXY line that does not end")
        return None
    _, *words = data[:end].decode("latin-1").split(" ")
    if words[:1] == ["UNKNOWN"]:
        return Introduction("", "", end + 2)
    try:
        family, source, _, port, _ = words
        socket.inet_pton(FAMILIES[family], source)
    except (ValueError, KeyError, OSError):
        raise HeadError("a broken PROXY line") from None
    if not port.isdecimal() or int(port) > 65535:
        raise HeadError("a broken PROXY line")
    return Introduction(source, port, end + 2)
