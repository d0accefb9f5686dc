"""Slow clients, and the judgement of who waits for them.

Section: ground / the command; the columns of lab
What: a slow client begins its request in the way of its column and then does nothing; `judged` lets
      a second one ask meanwhile.
Units: seconds, bytes.
"""

import os
import socket
import time
from typing import Final, NamedTuple

from refuwsgi.commands.ask import Asked, ask
from refuwsgi.commands.the_words import address_of

BIG: Final = 64 << 20  # more than all buffers between two sockets together
UPLOAD: Final = 100_000
SETTLE: Final = 0.5  # for what nobody can see from outside: that half a request has arrived
LIMIT: Final = 20.0
SMALL: Final = 32768  # what the slow client lets the kernel take for it


class Column(NamedTuple):
    """A way of being slow."""

    name: str
    what: str
    path: str
    stops: str  # in the head, in the body, or before the answer is read


COLUMNS: Final = (
    Column("file", "64 MB from wsgi.file_wrapper, not read by the client", "/file", "answer"),
    Column("body", "16 MB of bytes, not read by the client", "/body", "answer"),
    Column("static", "a static file of 64 MB, not read by the client", "/big", "answer"),
    Column("upload", "a body of which the second half does not come", "/upload", "body"),
    Column("headers", "a head of which the second half does not come", "/quick", "head"),
)


def made_ready(directory: str) -> None:
    """Make the large file; it takes no room on the disk."""
    with open(os.path.join(directory, "static", "big"), "wb") as file:
        file.truncate(BIG)


def judged(address: str, http: bool, column: Column, patience: float, directory: str) -> str:
    """Let one client be slow and another one ask: Y, n or ?."""
    quick = Asked(address_of(address), "/quick", http=http)
    marker = os.path.join(directory, "reading")
    try:
        ask(quick)  # whoever was slow before has been forgotten
        if os.path.exists(marker):
            os.unlink(marker)
        slow = _held(quick._replace(path=column.path), column.stops, marker)
        try:
            with socket.create_connection((quick.address.host, quick.address.port)) as second:
                second.sendall(quick.head())
                if _answers(second, patience):
                    return "Y"
                slow.close()
                return "n" if _answers(second, LIMIT) else "?"
        finally:
            slow.close()
    except OSError:
        return "?"


def _held(asked: Asked, stops: str, marker: str) -> socket.socket:
    """Begin a request and stop."""
    asked = asked._replace(body=b"x" * UPLOAD if stops == "body" else b"")
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        sock.settimeout(LIMIT)
        sock.connect((asked.address.host, asked.address.port))
        head = asked.head()
        sock.sendall(head[: len(head) // 2] if stops == "head" else head)
        if stops == "answer":
            sock.recv(100)
        else:
            sock.sendall(asked.body[: UPLOAD // 2])
            end = time.monotonic() + SETTLE
            while time.monotonic() < end and not os.path.exists(marker):
                time.sleep(0.02)
    except BaseException:
        sock.close()
        raise
    return sock


def _answers(sock: socket.socket, patience: float) -> bool:
    sock.settimeout(patience)
    try:
        return bool(sock.recv(100))
    except TimeoutError:
        return False
