"""Bodies that come in chunks, and bodies that wait to be asked for.

Section:  scaling / http-socket; request bodies that have no size or want a word first
What:     the same two methods as every body has: `receive` and `read`.
Units:    sizes are bytes, timeouts seconds.
Errors:   a chunk that is wrong is an OSError for the application that reads it, and the end of
          the connection.
"""

from __future__ import annotations

import os

from refuwsgi.protocol.http import ChunkDecoder, ChunkError
from refuwsgi.request import CHUNK, Body, Request, read_some

SPILL = 65536  # bytes of an unread body that are swallowed to keep a connection
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ChunkedBody:
    """A body of unknown size, decoded as it comes."""

    # Beyond: uWSGI leaves the decoding to the application.

    __slots__ = ("_decoder", "_ends", "_fd", "_found", "_taken", "_timeout", "beyond", "left")

    def __init__(self, fd: int, held: bytes, timeout: float) -> None:
        self._fd = fd
        self._timeout = timeout
        self._decoder = ChunkDecoder()
        self._found = bytearray()
        self._taken = 0  # bytes that were returned
        self._ends: list[int] = []  # where chunks end, counted from the beginning of the body
        self.left = 1  # until its end has been seen
        self.beyond = b""  # what came behind it: the beginning of the next request
        if held:
            self._decode(held)

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        while not self._found and self.left:
            part = read_some(self._fd, CHUNK, self._timeout)
            if not part:
                raise ConnectionResetError("the client left in the middle of the body")
            self._decode(part)
        found = bytes(self._found[:limit])
        del self._found[:limit]
        self._taken += len(found)
        return found

    def chunk(self) -> bytes:
        """Return what is left of the present chunk, all of it; b"" at the end."""
        while True:
            while self._ends and self._ends[0] <= self._taken:
                del self._ends[0]
            if self._ends or not self.left:
                return self.receive(self._ends[0] - self._taken) if self._ends else b""
            part = read_some(self._fd, CHUNK, self._timeout)
            if not part:
                raise ConnectionResetError("the client left in the middle of the body")
            self._decode(part)

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts = []
        while size:
            part = self.receive(size if size > 0 else CHUNK)
            if not part:
                break
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def _decode(self, data: bytes) -> None:
        decoder = self._decoder
        self._ends = [end for end in self._ends if end > self._taken]
        try:
            place = 0
            while place < len(data) and not decoder.done:
                end = decoder.step(data, place)
                self._found += decoder.feed(data[place:end])
                place = end
                if decoder.between:
                    self._ends.append(self._taken + len(self._found))
        except ChunkError as problem:
            raise OSError(f"the client sent a broken chunk: {problem}") from None
        if decoder.done:
            self.left = 0
            self.beyond = decoder.rest + data[place:]


class ExpectedBody:
    """A body that the client holds back until it is told to go on."""

    __slots__ = ("_asked", "_body", "_request")

    def __init__(self, request: Request, body: Body) -> None:
        self._request = request
        self._body = body
        self._asked = False

    @property
    def beyond(self) -> bytes:
        """What came behind it: the beginning of the next request."""
        return getattr(self._body, "beyond", b"")

    @property
    def left(self) -> int:
        """What is still to be read."""
        return self._body.left

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            if self._request.head_size:
                return  # the answer has begun: another head would be part of its body
            os.write(self._request.fd, CONTINUE)

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        self._ask()
        return self._body.receive(limit)

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        self._ask()
        return self._body.read(size)


def swallowed(request: Request) -> bool:
    """Read what the application left of a body, so that it is not taken for a request."""
    left = SPILL
    while request.body.left and left > 0:
        part = request.body.receive(min(left, SPILL))
        if not part:
            return True
        left -= len(part)
    return not request.body.left
