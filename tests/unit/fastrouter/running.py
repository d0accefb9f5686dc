"""A router process for a test, and what talks to it."""

import contextlib
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from refuwsgi.fastrouter import getting_started
from refuwsgi.options import config_of

LIMIT = 20.0


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
    processes = getting_started.configured(config)
    children = []
    for process in processes:
        child = os.fork()
        if not child:
            status = 70
            with contextlib.suppress(BaseException):
                log = os.open(directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                os.dup2(log, 2)
                status = process.run()
            os._exit(status)
        children.append(child)
    try:
        yield path
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)


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


def received(sock: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(65536):
            found += data
    return found


def ask(path: str, data: bytes) -> bytes:
    with connect(path) as sock:
        sock.sendall(data)
        return received(sock)


Handler = Callable[[socket.socket, bytes], None]


class Node:
    """A node on a UNIX socket that answers its name and what it has got."""

    def __init__(self, path: Path, handler: Handler | None = None) -> None:
        self.path = str(path)
        self.name = path.name.encode()
        self.seen: list[bytes] = []
        self._handler = handler or self._answer
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
            data = client.recv(4, socket.MSG_WAITALL)
            if len(data) == 4:
                data += client.recv(data[1] | data[2] << 8, socket.MSG_WAITALL)
                self.seen.append(data)
                self._handler(client, data)

    def _answer(self, client: socket.socket, data: bytes) -> None:
        client.sendall(b"I am " + self.name)
