"""The processes of a gateway, forked for a test, and the plainest of clients."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from refuwsgi import sockets
from refuwsgi.gateway import GatewayProcess

LIMIT = 20.0


@contextlib.contextmanager
def forked(directory: Path, processes: Sequence[GatewayProcess]) -> Iterator[None]:
    """Run these processes; what they say goes into a file called log."""
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
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)
        for listener in sockets.made():
            listener.sock.close()
        sockets._made.clear()


def connect(path: str) -> socket.socket:
    """A connection whose operations have a limit."""
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


def ask(path: str, data: bytes) -> bytes:
    """Send something, and read to the end."""
    with connect(path) as sock:
        sock.sendall(data)
        return received(sock)


class Listening:
    """A node on a UNIX socket, with a thread for each of its clients."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
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
            threading.Thread(target=self._visit, args=(client,), daemon=True).start()

    def _visit(self, client: socket.socket) -> None:
        client.settimeout(LIMIT)
        with client, contextlib.suppress(OSError):
            self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        """Talk to one client."""
        raise NotImplementedError
