"""wsgi.file_wrapper: an answer that is a file.

Section:  ground / the application; wsgi.file_wrapper
What:     an application wraps a file to have it sent without reading it.  A real file goes out
          by an offload thread, or by sendfile in the worker; anything else that can be read is
          read piece by piece.
Units:    sizes and positions are bytes.
Errors:   none of its own; `OSError` from the client's socket goes to the caller.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from refuwsgi.request import Request, wait_for

BLOCK = 8192
SMALL = 16384  # a file up to this size is read and sent with its head: cheaper than two calls
RUN = 1 << 20  # most bytes of one sendfile

# Makes the task of an offload thread: (descriptor, position, length, head).
FileEngine = Callable[[int, int, int, bytes], Any]


class FileWrapper:
    """What an application returns to have a file sent."""

    def __init__(self, filelike: Any, blksize: int = BLOCK) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece: bytes = self.filelike.read(self.blksize)
        if not piece:
            raise StopIteration
        return piece


class Extent(NamedTuple):
    """A piece of a real file."""

    fd: int
    position: int
    length: int


def extent_of(filelike: Any) -> Extent | None:
    """What is left of a regular file, from where the application has read to; None for others."""
    try:
        fd = filelike.fileno()
        status = os.fstat(fd)
    except (AttributeError, OSError, TypeError, ValueError):
        return None  # io.BytesIO has a fileno, but it raises
    if not stat.S_ISREG(status.st_mode):
        return None
    # Departure: uWSGI sends from the beginning, wherever the application has read to.
    try:
        position = int(filelike.tell())
    except (AttributeError, OSError, ValueError):
        position = os.lseek(fd, 0, os.SEEK_CUR)
    return Extent(fd, position, max(0, status.st_size - position))


def send_file(request: Request, head: bytes, extent: Extent, engine: FileEngine | None) -> int:
    """Send head and file; return how many bytes of the file went, or -1: an offload thread does it.

    A file that shrinks meanwhile ends early.
    """
    fd, position, length = extent
    if length <= SMALL and (request.offload is None or not length):
        piece = os.pread(fd, length, position) if length else b""
        request.send(head + piece)
        return len(piece)
    if request.tapped:
        return _read(request, head, fd, position, length)
    if engine is not None and request.offload is not None:
        own = os.dup(fd)  # the application will close its file
        task = engine(own, position, length, head)
        if request.offload(task, request):
            request.via = "offload"
            return -1
        task.close()
    request.via = "sendfile"
    request.send(head)
    return _sendfile(request, fd, position, length)


def _read(request: Request, head: bytes, fd: int, position: int, length: int) -> int:
    """Send part of a file piece by piece: rules want to see it."""
    request.send(head)
    end = position + length
    sent = 0
    while sent < length:
        piece = os.pread(fd, min(RUN, end - position - sent), position + sent)
        if not piece:
            break
        request.send(piece)
        sent += len(piece)
    return sent


def _sendfile(request: Request, fd: int, position: int, length: int) -> int:
    """Send part of a file; the client has the request's timeout for each step forward."""
    sent = 0
    while sent < length:
        try:
            step = os.sendfile(request.fd, fd, position + sent, min(RUN, length - sent))
        except BlockingIOError:
            wait_for(request.fd, select.POLLOUT, request.timeout)
            continue
        if not step:
            break
        sent += step
    return sent
