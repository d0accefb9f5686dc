"""wsgi.input: what the client sends behind the head.

Section:  ground / the application; wsgi.input
What:     the file that an application reads.  It ends where the request ends, whatever follows
          on the connection.  With ``post-buffering`` the whole body is read before the
          application runs, and the file can be rewound.
Units:    sizes are bytes.
Errors:   `OSError` for the application when the client leaves, is silent for too long, or sends
          chunks that are none.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from refuwsgi import api
from refuwsgi.options import Option, octets
from refuwsgi.request import EMPTY, Body, Request

POST_BUFFERING = Option(
    "post-buffering",
    octets,
    default=0,
    help="read bodies before the application runs; longer ones than this go to a temporary file",
)
LIMIT_POST = Option(
    "limit-post",
    octets,
    default=0,
    help="refuse bodies that are longer than this; 0 is no limit",
)

PIECE = 65536


class TooLong(OSError):
    """A body is longer than the operator allows."""


class LimitedBody:
    """A body that ends with an error at a limit, for those that do not announce their length."""

    __slots__ = ("_body", "_room", "left")

    def __init__(self, body: Body, limit: int) -> None:
        self._body = body
        self._room = limit
        self.left = body.left

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        part = self._body.receive(limit)
        self.left = self._body.left
        self._room -= len(part)
        if self._room < 0:
            raise TooLong("the body is longer than limit-post allows")
        return part

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts = []
        while size and (part := self.receive(min(size, PIECE) if size > 0 else PIECE)):
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)


class Input:
    """The file from which an application reads the body of its request."""

    __slots__ = ("_body", "_held", "_place", "_request")

    def __init__(self, request: Request, body: Body) -> None:
        self._request = request
        self._body = body
        self._held = b""  # read from the client, not yet by the application
        self._place = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, fewer only at the end; all that is left without a size."""
        # Departure: uWSGI takes read(0) for read(), and fails in read(-1) after a read(n).
        if size is None or size < 0:
            found = self._held + self._read(-1)
            self._held = b""
        else:
            found, self._held = self._held[:size], self._held[size:]
            if len(found) < size:
                found += self._read(size - len(found))
        self._place += len(found)
        return found

    def readline(self, size: int | None = -1) -> bytes:
        """Return a line with its end, or `size` bytes of it."""
        # Departure: uWSGI ignores the size.
        limit = -1 if size is None else size
        held = bytearray(self._held)
        searched = 0
        while (end := held.find(b"\n", searched) + 1) == 0 and not 0 <= limit <= len(held):
            searched = len(held)
            part = self._some()
            if not part:
                break
            held += part
        end = end or len(held)
        if 0 <= limit < end:
            end = limit
        line, self._held = bytes(held[:end]), bytes(held[end:])
        self._place += len(line)
        return line

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """Return the lines that are left, or as many as make up `hint` bytes."""
        lines = []
        size = 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def tell(self) -> int:
        """Say how many bytes have been read."""
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Refuse: a socket cannot be rewound."""
        raise OSError("seeking wsgi.input without post-buffering is impossible")

    def fileno(self) -> int:
        """The client's descriptor."""
        return self._request.fd

    def close(self) -> None:
        """Do nothing: the connection is the server's."""

    def _read(self, size: int) -> bytes:
        self._still_runs()
        try:
            return self._body.read(size)
        except OSError as problem:
            raise self._failed(problem, size) from problem

    def _some(self) -> bytes:
        self._still_runs()
        try:
            return self._body.receive(PIECE)
        except OSError as problem:
            raise self._failed(problem, PIECE) from problem

    def _still_runs(self) -> None:
        """Refuse to read when the descriptor may be that of another client."""
        # Beyond: an application may have given the file to a thread that goes on.
        if self._body.left:
            answer = self._request.core.answer
            if answer is None or answer.request is not self._request:
                raise OSError("wsgi.input is read after the request is over")

    def _failed(self, problem: OSError, size: int) -> OSError:
        self._request.keep = False
        what = "timeout" if isinstance(problem, TimeoutError) else "error"
        return OSError(f"{what} during read({max(size, 0)}) on wsgi.input")


class NoInput(Input):
    """The file of all requests that have no body: they can share one, since it never changes."""

    __slots__ = ()

    def __init__(self) -> None:
        self._body, self._held, self._place = EMPTY, b"", 0

    def fileno(self) -> int:
        """The descriptor of the client whose request runs in this thread."""
        if api.running.answer is None:
            raise OSError("no request runs in this thread")
        return int(api.running.answer.request.fd)


NO_INPUT = NoInput()


def buffered(body: Body, memory: int) -> BinaryIO:
    """Read a whole body: up to `memory` bytes in memory, more of it in a file without a name."""
    store: BinaryIO = io.BytesIO()
    size = 0
    while part := body.receive(PIECE):
        size += len(part)
        if size > memory and isinstance(store, io.BytesIO):
            store = _spilled(store)
        store.write(part)
    store.seek(0)
    return store


def _spilled(store: io.BytesIO) -> BinaryIO:
    from tempfile import TemporaryFile

    file: BinaryIO = TemporaryFile()  # noqa: SIM115  # closed with the last reference to it
    file.write(store.getvalue())
    return file
