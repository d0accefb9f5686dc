"""A router process for a test, and what talks to it."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from refuwsgi.options import config_of
from refuwsgi.scaling import http_router

LIMIT = 20.0

Handler = Callable[[socket.socket, bytes, dict[bytes, bytes]], None]


@contextlib.contextmanager
def router(directory: Path, **options: str | list[str] | bool) -> Iterator[str]:
    """Run a router on a UNIX socket; gives its address."""
    path = str(directory / "router")
    (process,) = http_router.configured(config_of(http=path, **options), [])
    child = os.fork()
    if not child:
        status = 70
        with contextlib.suppress(BaseException):
            log = os.open(directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.dup2(log, 2)
            status = process.run()
        os._exit(status)
    try:
        yield path
    finally:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        shown = log_of(directory)
        assert "Traceback" not in shown, shown


def log_of(directory: Path) -> str:
    path = directory / "log"
    return path.read_text() if path.exists() else ""


def eventually(check: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not check():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.01)


def connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(LIMIT)
    sock.connect(path)
    return sock


def received(sock: socket.socket, until: bytes = b"") -> bytes:
    """What comes until the end, or until something has come."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while not (until and until in found) and (data := sock.recv(65536)):
            found += data
    return found


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes; fewer only at the end."""
    found = b""
    while len(found) < size and (data := sock.recv(size - len(found))):
        found += data
    return found


def ask(path: str, data: bytes) -> bytes:
    with connect(path) as sock:
        sock.sendall(data)
        return received(sock)


def vars_of(block: bytes) -> dict[bytes, bytes]:
    words = []
    while block:
        size = 2 + int.from_bytes(block[:2], "little")
        words.append(block[2:size])
        block = block[size:]
    return dict(zip(words[::2], words[1::2], strict=True))


class Node:
    """A node on a UNIX socket; without a handler it answers with the body that it has got."""

    def __init__(self, path: Path, handler: Handler | None = None, *, reads: bool = True) -> None:
        self.path = str(path)
        self.seen: list[dict[bytes, bytes]] = []
        self._handler = handler or echo
        self._reads = reads  # the body, before the handler is called
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(LIMIT)
        with client, contextlib.suppress(OSError):
            head = exactly(client, 4)
            if len(head) < 4:
                return
            block = exactly(client, head[1] | head[2] << 8)
            found = vars_of(block)
            self.seen.append(found)
            size = int(found.get(b"CONTENT_LENGTH", b"0")) if self._reads else 0
            body = exactly(client, size)
            self._handler(client, body, found)


def echo(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
