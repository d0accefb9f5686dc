"""Fake nodes: servers in threads of the suite that record what they are sent.

What: a `Backend` listens, reads one request per connection (HTTP or uwsgi), keeps it as `Received`
      and answers with fixed bytes, or with what a function does with the connection.  With a `hold`
      it answers only when the event is set, so a case decides when the backend has thought enough.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from . import wire
from .packet import Packet, block, packet, receive_packet
from .ports import free_port
from .proc import LIMIT, eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\nbackend"


class Received(NamedTuple):
    """One request as a backend got it: all bytes of HTTP, or the packet; and the body."""

    head: bytes
    packet: Packet | None
    body: bytes

    @property
    def raw(self) -> bytes:
        """The bytes as they came, of a packet as they would be encoded again."""
        if self.packet is None:
            return self.head + self.body
        p = self.packet
        return packet(block(p.pairs), p.modifier1, p.modifier2) + self.body

    @property
    def lines(self) -> list[str]:
        """The lines of an HTTP head."""
        return self.head.decode("latin-1").split("\r\n")[:-2]


Speaker = Callable[[socket.socket, Received], None]


class Backend:
    """A node that listens on a port (or on a path) until it is closed."""

    def __init__(
        self,
        answer: bytes | Speaker = OK,
        *,
        protocol: str = "http",
        path: str = "",
        hold: threading.Event | None = None,
    ) -> None:
        self.seen: list[Received] = []
        self.closed_by_peer = threading.Event()
        self._answer = answer
        self._protocol = protocol
        self._hold = hold
        self._open: list[socket.socket] = []
        self.address: str = path or f"127.0.0.1:{free_port()}"
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path:
            self._listener.bind(path)
        else:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", int(self.address.rpartition(":")[2])))
        self._listener.listen(128)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "Backend":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def wait_seen(self, count: int = 1) -> Received:
        """Wait until so many requests have arrived; the last of them."""
        eventually(lambda: len(self.seen) >= count, f"{count} requests at the backend")
        return self.seen[count - 1]

    def close(self) -> None:
        """Close the listener and all conversations."""
        if self._hold is not None:
            self._hold.set()
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(LIMIT)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(LIMIT)
            self._open.append(sock)
            thread = threading.Thread(target=self._converse, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _converse(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            received = (receive_uwsgi if self._protocol == "uwsgi" else receive_http)(sock)
            if received is None:
                return
            self.seen.append(received)
            wire.received(f"the subject, at the node {self.address}", received.raw)
            if self._hold is not None:
                self._wait(sock, self._hold)
            if callable(self._answer):
                self._answer(sock, received)
            else:
                wire.sent(f"the subject, from the node {self.address}", self._answer)
                sock.sendall(self._answer)

    def _wait(self, sock: socket.socket, hold: threading.Event) -> None:
        """Wait for the event; notice when the peer leaves meanwhile."""
        sock.settimeout(0.02)
        while not hold.is_set():
            try:
                if sock.recv(1, socket.MSG_PEEK) == b"":
                    self.closed_by_peer.set()
                    hold.wait(LIMIT)
            except TimeoutError:
                continue
            except OSError:
                self.closed_by_peer.set()
                hold.wait(LIMIT)
        sock.settimeout(LIMIT)


def receive_http(sock: socket.socket) -> Received | None:
    """Read one HTTP request with its body; None if there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return Received(head + b"\r\n\r\n", None, _body(sock, body, int(length[1]) if length else 0))


def receive_uwsgi(sock: socket.socket) -> Received | None:
    """Read one uwsgi request with its body; None if there is none."""
    try:
        packet = receive_packet(sock)
    except ConnectionError:
        return None
    length = int(packet.vars.get("CONTENT_LENGTH") or 0)
    return Received(b"", packet, _body(sock, packet.rest, length))


def _body(sock: socket.socket, body: bytes, length: int) -> bytes:
    while len(body) < length:
        more = sock.recv(65536)
        if not more:
            break
        body += more
    return body
