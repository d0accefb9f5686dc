"""The body of a request: what the client sends behind the head.

Section:  ground / one request on its way; its body
What:     a body that is empty, and one whose size is known; others are in scaling/bodies.py.
          The beginning may have come with the head, the rest is read when somebody wants it.
Units:    sizes are bytes, timeouts seconds.
Errors:   `OSError` when the client leaves too early, `TimeoutError` when it is silent.
"""

from __future__ import annotations

import os
import select
from typing import Protocol

CHUNK = 65536  # bytes of a body that are read at once


class Body(Protocol):
    """What the client sends behind the head."""

    @property
    def left(self) -> int:
        """Bytes that are still to be read; while a chunked body goes on, at least 1."""
        ...

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end; all that is left when `size` is negative."""
        ...


class EmptyBody:
    """The body of a request that has none."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 0

    def receive(self, limit: int) -> bytes:
        """Return the end."""
        return b""

    def read(self, size: int = -1) -> bytes:
        """Return the end."""
        return b""


EMPTY = EmptyBody()


class SizedBody:
    """A body of known size; its first part may have come with the head."""

    __slots__ = ("_fd", "_held", "_timeout", "left")

    def __init__(self, fd: int, held: bytes, size: int, timeout: float) -> None:
        self._fd = fd
        self._held = held[:size]
        self._timeout = timeout
        self.left = size

    def receive(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; b"" at the end."""
        limit = min(limit, self.left)
        if limit <= 0:
            return b""
        if self._held:
            found, self._held = self._held[:limit], self._held[limit:]
        else:
            found = read_some(self._fd, limit, self._timeout)
            if not found:
                raise ConnectionResetError("the client left in the middle of the body")
        self.left -= len(found)
        return found

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        wanted = self.left if size < 0 else min(size, self.left)
        parts = []
        while wanted > 0:
            part = self.receive(min(wanted, CHUNK))
            parts.append(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def held(self) -> bytes:
        """Take what has come already, without asking the client for more."""
        found, self._held = self._held, b""
        self.left -= len(found)
        return found


def wait_for(fd: int, event: int, timeout: float) -> None:
    """Sleep until a descriptor is ready; TimeoutError when that takes too long."""
    poll = select.poll()
    poll.register(fd, event)
    if not poll.poll(max(0.0, timeout) * 1000):
        raise TimeoutError("the client is silent" if event == select.POLLIN else "nobody reads")


def read_some(fd: int, limit: int, timeout: float) -> bytes:
    """Read what there is, and wait for it if there is nothing yet."""
    while True:
        try:
            return os.read(fd, limit)
        except BlockingIOError:
            wait_for(fd, select.POLLIN, timeout)
