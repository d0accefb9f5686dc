"""Small files that are asked for again and again.

Section:  offloading / Offloading static files; small files in memory
What:     keeps the content of small files in the worker.  Each request still asks the kernel
          about the file: one call in place of open, fstat, readlink, read and close.

              the same inode, size and times as when it was read  -->  the content from memory
              anything else                                       -->  open and check it anew

          Once a second a file is opened and checked anew in any case.
Units:    seconds; sizes are bytes.
Errors:   none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from refuwsgi.offloading.engines import SMALL
from refuwsgi.offloading.static_paths import Found, Root

MOST = 256  # files: 4 MiB in a worker, whatever the clients ask for
TRUSTED = 1.0  # seconds from one look at where a file really is to the next
# A file that has just changed may change again within the same tick of the kernel's clock.
SETTLED = 0.1


class Where(Protocol):
    """What finds files."""

    def find(self, path_info: bytes, document_root: str | None = None) -> Found | None:
        """Open the file for a path, or say that there is none."""
        ...


class Hot(NamedTuple):
    """A file that was read."""

    asked: bytes  # the name under which it was opened
    path: bytes
    root: Root
    identity: tuple[int, ...]
    content: bytes
    until: float


def identity_of(status: os.stat_result) -> tuple[int, ...]:
    """What changes whenever a file is written, replaced or renamed."""
    return (
        status.st_ino,
        status.st_dev,
        status.st_size,
        status.st_ctime_ns,
        status.st_mtime_ns,
        status.st_mode,
    )


class InMemory:
    """What finds files, with the small ones at hand."""

    __slots__ = ("_files", "_now", "_where")

    def __init__(self, where: Where, now: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._now = now
        self._files: dict[bytes, Hot] = {}

    def find(self, path_info: bytes, document_root: str | None = None) -> Found | None:
        """Find the file for a path, open or in memory."""
        hot = self._files.get(path_info)
        if hot is not None:
            try:
                status = os.stat(hot.asked)
            except OSError:
                status = None
            if (
                status is not None
                and identity_of(status) == hot.identity
                and self._now() < hot.until
            ):
                return Found(-1, hot.path, status, hot.root, hot.content)
            del self._files[path_info]
        found = self._where.find(path_info, document_root)
        if found is not None and found.size <= SMALL and found.first and not found.index:
            self._keep(path_info, found)
        return found

    def _keep(self, path_info: bytes, found: Found) -> None:
        status = found.status
        if time.time() - max(status.st_ctime, status.st_mtime) < SETTLED:
            return
        content = os.pread(found.fd, found.size + 1, 0)
        if len(content) != found.size:
            return
        found.content = content
        if len(self._files) >= MOST:
            del self._files[next(iter(self._files))]
        until = self._now() + TRUSTED
        identity = identity_of(status)
        self._files[path_info] = Hot(found.asked, found.path, found.root, identity, content, until)
