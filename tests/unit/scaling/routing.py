"""A router process for a test, and what talks to it."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from refuwsgi.options import config_of
from refuwsgi.scaling import http_router
from tests.unit.forked import Listening, forked

Handler = Callable[[socket.socket, bytes, dict[bytes, bytes]], None]


@contextlib.contextmanager
def router(directory: Path, **options: str | list[str] | bool) -> Iterator[str]:
    """Run a router on a UNIX socket; gives its address."""
    path = str(directory / "router")
    with forked(directory, http_router.configured(config_of(http=path, **options), [])):
        yield path
    shown = log_of(directory)
    assert "Traceback" not in shown, shown


def log_of(directory: Path) -> str:
    path = directory / "log"
    return path.read_text() if path.exists() else ""


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes; fewer only at the end."""
    found = b""
    while len(found) < size and (data := sock.recv(size - len(found))):
        found += data
    return found


def vars_of(block: bytes) -> dict[bytes, bytes]:
    words = []
    while block:
        size = 2 + int.from_bytes(block[:2], "little")
        words.append(block[2:size])
        block = block[size:]
    return dict(zip(words[::2], words[1::2], strict=True))


class Node(Listening):
    """A node; without a handler it answers with the body that it has got."""

    def __init__(self, path: Path, handler: Handler | None = None, *, reads: bool = True) -> None:
        self.seen: list[dict[bytes, bytes]] = []
        self._handler = handler or echo
        self._reads = reads  # the body, before the handler is called
        super().__init__(path)

    def _serve(self, client: socket.socket) -> None:
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
