"""What the clients of the bench send: requests, packets, announcements.

Requests differ from each other as real ones do, so that nobody gains by remembering whole ones.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import time
from collections.abc import Mapping

LO = "127.0.0.1"


def frames(requests: list[bytes]) -> bytes:
    """Requests for the load generator: each behind its size."""
    return b"".join(struct.pack("<I", len(request)) + request for request in requests)


def http(path: str = "/", *, keep: bool = False, query: str = "") -> bytes:
    """A request as a browser sends it."""
    lines = [
        f"GET {path}{'?' + query if query else ''} HTTP/1.1",
        "Host: 127.0.0.1:8000",
        "User-Agent: bench/1.0",
        "Accept: */*",
        *([] if keep else ["Connection: close"]),
        *([f"Cookie: session={query}"] if query else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def encoded(pairs: Mapping[str, str], modifier1: int = 0) -> bytes:
    """A uwsgi packet."""
    block = b"".join(
        struct.pack("<H", len(text)) + text.encode() for pair in pairs.items() for text in pair
    )
    return struct.pack("<BHB", modifier1, len(block), 0) + block


def packet(host: str = "localhost", body: bytes = b"", query: str = "", port: int = 51234) -> bytes:
    """What nginx sends with its stock parameters, with a body."""
    pairs = {
        "QUERY_STRING": query,
        "REQUEST_METHOD": "POST" if body else "GET",
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "REQUEST_URI": f"/?{query}" if query else "/",
        "PATH_INFO": "/",
        "DOCUMENT_ROOT": "/usr/share/nginx/html",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_SCHEME": "http",
        "REMOTE_ADDR": LO,
        "REMOTE_PORT": str(port),
        "SERVER_PORT": "8000",
        "SERVER_NAME": "localhost",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": "bench/1.0",
        "HTTP_ACCEPT": "*/*",
    }
    return encoded(pairs | ({"HTTP_COOKIE": f"session={query}"} if query else {})) + body


def many_http(*, keep: bool = False) -> list[bytes]:
    """Different requests over HTTP."""
    chance = random.Random(1)
    return [http(keep=keep, query=f"{chance.getrandbits(64):x}") for _ in range(997)]


def many_packets(host: str = "localhost") -> list[bytes]:
    """Different requests as packets."""
    chance = random.Random(2)
    return [
        packet(host, query=f"{chance.getrandbits(64):x}", port=chance.randrange(32768, 61000))
        for _ in range(997)
    ]


def announcement(key: str, address: str) -> bytes:
    """A node announces itself for a key."""
    said = {"key": key, "address": address, "modifier1": "0", "modifier2": "0", "cores": "1"}
    return encoded(said | {"load": "0", "weight": "1", "unix": str(int(time.time()))}, 224)


def connect(address: str, timeout: float = 10) -> socket.socket:
    """Connect to host:port or to a path."""
    if address.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        return sock
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout)


def answers(address: str) -> bool:
    """Whether somebody takes a connection there."""
    try:
        connect(address, 1).close()
    except OSError:
        return False
    return True


def ask(address: str, request: bytes, timeout: float = 10) -> bytes:
    """One request, to the end of the connection or of the announced body."""
    got = b""
    with connect(address, timeout) as sock:
        sock.sendall(request)
        while True:
            try:
                data = sock.recv(65536)
            except ConnectionResetError:
                return got
            got += data
            head, _, body = got.partition(b"\r\n\r\n")
            size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if not data or (size and len(body) >= int(size[1])):
                return got
