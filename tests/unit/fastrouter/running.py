"""A router process for a test, and what talks to it."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from refuwsgi.fastrouter import getting_started
from refuwsgi.options import config_of
from tests.unit.forked import Listening, forked

Handler = Callable[[socket.socket, bytes], None]


def packet(modifier1: int = 0, /, **variables: str) -> bytes:
    block = b"".join(
        struct.pack("<H", len(text)) + text.encode("latin-1")
        for pair in variables.items()
        for text in pair
    )
    return struct.pack("<BHB", modifier1, len(block), 0) + block


@contextlib.contextmanager
def router(directory: Path, **options: str | list[str] | bool) -> Iterator[str]:
    """Run a router on a UNIX socket; gives its address."""
    path = str(directory / "router")
    config = config_of(fastrouter=path, **options)
    with forked(directory, getting_started.configured(config)):
        yield path


class Node(Listening):
    """A node that answers its name and what it has got."""

    def __init__(self, path: Path, handler: Handler | None = None) -> None:
        self.name = path.name.encode()
        self.seen: list[bytes] = []
        self._handler = handler or self._answer
        super().__init__(path)

    def _serve(self, client: socket.socket) -> None:
        data = client.recv(4, socket.MSG_WAITALL)
        if len(data) == 4:
            data += client.recv(data[1] | data[2] << 8, socket.MSG_WAITALL)
            self.seen.append(data)
            self._handler(client, data)

    def _answer(self, client: socket.socket, data: bytes) -> None:
        client.sendall(b"I am " + self.name)
