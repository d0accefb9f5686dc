"""The clients: many short requests, large answers, slow readers.

The client's own cost does not matter: what is measured is the server's processor time.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

Address = tuple[str, int] | str
CLIENTS = 4


class Done(NamedTuple):
    """What a load run did."""

    requests: int
    failed: int
    octets: int
    latencies: list[float]  # seconds


def http(path: str) -> bytes:
    """A request as a browser sends it."""
    return f"GET {path} HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n".encode()


def packet(path: str) -> bytes:
    """The same request as a web server passes it on."""
    pairs = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": path,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "example.com",
    }
    block = b"".join(
        struct.pack("<H", len(text)) + text.encode() for pair in pairs.items() for text in pair
    )
    return struct.pack("<BHB", 0, len(block), 0) + block


def connect(address: Address) -> socket.socket:
    """Connect to a TCP or UNIX address."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    sock = socket.socket(family)
    sock.settimeout(20)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def ask(address: Address, request: bytes, buffer: bytearray) -> int:
    """One request on a connection of its own; the size of the answer."""
    with connect(address) as sock:
        sock.sendall(request)
        octets = 0
        while size := sock.recv_into(buffer):
            if not octets and not bytes(buffer[9:12]) == b"200":
                raise OSError(f"not 200: {bytes(buffer[:60])!r}")
            octets += size
    if not octets:
        raise OSError("an empty answer")
    return octets


def run(address: Address, request: bytes, seconds: float, clients: int = CLIENTS) -> Done:
    """Ask again and again, by several clients side by side."""
    end = time.monotonic() + seconds
    results: list[Done] = []

    def client() -> None:
        buffer = bytearray(1 << 18)
        failed = octets = 0
        latencies: list[float] = []
        while (began := time.monotonic()) < end:
            try:
                octets += ask(address, request, buffer)
                latencies.append(time.monotonic() - began)
            except OSError:
                failed += 1
        results.append(Done(len(latencies), failed, octets, latencies))

    in_threads(client, clients)
    return Done(
        sum(done.requests for done in results),
        sum(done.failed for done in results),
        sum(done.octets for done in results),
        sorted(latency for done in results for latency in done.latencies),
    )


def in_threads(work: Callable[[], None], count: int) -> None:
    """Run `work` in several threads and wait for all."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class SlowReaders:
    """Clients that ask for a large file and then read it slowly; a context manager."""

    def __init__(self, address: Address, request: bytes, count: int, rate: int = 65536) -> None:
        self._socks = [connect(address) for _ in range(count)]
        self._request = request
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> SlowReaders:
        """Begin the downloads."""
        for sock in self._socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(self._request)
            sock.setblocking(False)
        self._thread.start()
        return self

    def _read(self) -> None:
        piece = self._rate // 8
        with selectors.DefaultSelector() as selector:
            for sock in self._socks:
                selector.register(sock, selectors.EVENT_READ)
            while not self._stop.wait(1 / 8):
                for key, _ in selector.select(0):
                    with contextlib.suppress(OSError):
                        key.fileobj.recv(piece)  # type: ignore[union-attr]  # it is a socket

    def __exit__(self, *_: object) -> None:
        """Give up the downloads."""
        self._stop.set()
        self._thread.join()
        for sock in self._socks:
            sock.close()
