"""A body that comes in chunks is read to its end before a worker hears of the request.

Section:  scaling / http; request bodies in chunks
What:     the worker's protocol wants to know the length of a body first.  So the router decodes
          the chunks, keeps them in memory up to a limit and in a file above it, and sends the
          body as one with a CONTENT_LENGTH.
Units:    sizes are bytes, timeouts seconds.
Errors:   `HeadError` with the status to refuse with; OSError when there is no room for the file.
"""

from __future__ import annotations

import socket
from typing import IO, Final

from refuwsgi.loop import READ, Wait, wait
from refuwsgi.protocol.http import ChunkDecoder, HeadError
from refuwsgi.waiting import NOW

IN_MEMORY: Final = 256 * 1024
LARGEST: Final = 1 << 30
CHUNK: Final = 65536

TOO_LARGE: Final = "413 Content Too Large"
LATE: Final = "408 Request Timeout"


class Kept:
    """A decoded body: in memory, or in a file that has no name."""

    __slots__ = ("beyond", "file", "memory", "size")

    def __init__(self) -> None:
        self.memory = bytearray()
        self.file: IO[bytes] | None = None
        self.size = 0
        self.beyond = b""  # what came behind it

    def add(self, data: bytes) -> None:
        """Keep a piece."""
        self.size += len(data)
        if self.size > LARGEST:
            raise HeadError(f"a body of more than {LARGEST} bytes", TOO_LARGE)
        if self.file is None and self.size > IN_MEMORY:
            from tempfile import TemporaryFile

            self.file = TemporaryFile(buffering=0)  # noqa: SIM115
            data, self.memory = bytes(self.memory) + data, bytearray()
        if self.file is None:
            self.memory += data
            return
        rest = memoryview(data)
        while rest:
            rest = rest[self.file.write(rest) :]

    def close(self) -> None:
        """Give back what held it."""
        if self.file is not None:
            self.file.close()


async def receive(client: socket.SocketType, first: bytes, timeout: float) -> Kept | None:
    """Read a body to its end; None when the client left before."""
    # Beyond: uWSGI drops such a body, unless the application reads the chunks itself.
    kept, decoder = Kept(), ChunkDecoder()
    waiting = Wait(((client, READ),), timeout)
    data = first
    try:
        while True:
            if data:
                kept.add(decoder.feed(data))
            if decoder.done:
                kept.beyond = decoder.rest
                return kept
            data = await _next(client, waiting)
            if not data:
                kept.close()
                return None
    except BaseException:
        kept.close()
        raise


async def _next(client: socket.SocketType, waiting: Wait) -> bytes:
    while True:
        try:
            return client.recv(CHUNK, NOW)
        except BlockingIOError:
            pass
        try:
            await wait(waiting)
        except TimeoutError:
            raise HeadError("the body does not come", LATE) from None
