"""The uwsgi protocol as a client and a node need it: encode, decode, receive."""

import socket
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Packet(NamedTuple):
    """A packet as received: the two modifiers, the vars in order, what came behind it."""

    modifier1: int
    modifier2: int
    pairs: list[tuple[str, str]]
    rest: bytes

    @property
    def vars(self) -> dict[str, str]:
        """The vars by name, the last of equal names."""
        return dict(self.pairs)


def block(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> bytes:
    """Encode vars as they stand in a packet."""
    out = b""
    for pair in pairs:
        for item in pair:
            raw = item.encode("latin-1") if isinstance(item, str) else item
            out += struct.pack("<H", len(raw)) + raw
    return out


def packet(variables: Mapping[str, str] | bytes, modifier1: int = 0, modifier2: int = 0) -> bytes:
    """Encode a packet; bytes are taken as a ready block."""
    raw = variables if isinstance(variables, bytes) else block(variables.items())
    return struct.pack("<BHB", modifier1, len(raw), modifier2) + raw


def request_vars(path: str = "/", method: str = "GET", **more: str) -> dict[str, str]:
    """The vars that a web server would send for a request."""
    bare, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "REQUEST_URI": path,
        "PATH_INFO": bare,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "example.com",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "example.com",
        **more,
    }


def receive_packet(sock: socket.socket) -> Packet:
    """Read one packet from a socket."""
    data = b""
    size = 4
    while len(data) < size:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError(f"the packet ended after {len(data)} bytes")
        data += more
        if len(data) >= 4:
            size = 4 + int(struct.unpack("<H", data[1:3])[0])
    return Packet(data[0], data[3], decode(data[4:size]), data[size:])


def decode(raw: bytes) -> list[tuple[str, str]]:
    """Decode a block into pairs."""
    items = []
    at = 0
    while at < len(raw):
        (length,) = struct.unpack_from("<H", raw, at)
        items.append(raw[at + 2 : at + 2 + length].decode("latin-1"))
        at += 2 + length
    return list(zip(items[::2], items[1::2], strict=True))
