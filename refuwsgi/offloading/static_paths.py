"""Which file a request is for, and whether it may have it.

Section:  offloading / Offloading static files; from PATH_INFO to an open file
What:     tries the places that the operator named, in this order, until one has the file:

              check-static     ROOT                 ROOT/ + PATH_INFO
              static-map       PREFIX=ROOT          ROOT/ + what follows the prefix
              static-map2      PREFIX=ROOT          ROOT/ + PATH_INFO, if the prefix is there
              check-static-docroot                  DOCUMENT_ROOT/ + PATH_INFO

          The file is opened first and looked at afterwards, through its descriptor: what was
          checked is what is sent, whatever becomes of the names in between.
Errors:   none: whatever cannot be opened, is no regular file or lies outside is not there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from refuwsgi import log

# O_NONBLOCK: nobody has to hold the other end of a FIFO for us to come back.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
OUTSIDE = "[uwsgi-fileserve] security error: {} is not under {} or a safe path"
MAX_REMEMBERED = 4096  # names; a peer chooses them, so their number has a limit


class Found:
    """A file that may be sent: open, or in memory."""

    __slots__ = ("asked", "content", "fd", "first", "index", "path", "root", "size", "status")

    def __init__(
        self,
        fd: int,
        path: bytes,
        status: os.stat_result,
        root: Root,
        content: bytes | None = None,
    ) -> None:
        self.fd = fd
        self.asked = b""  # the name under which it was opened
        self.first = False  # no other place comes before it
        self.content = content
        self.path = path  # the real one
        self.status = status
        self.size = status.st_size
        self.root = root
        self.index = b""  # what static-index added to the PATH_INFO

    def close(self) -> None:
        """Close the file, unless it has been taken."""
        if self.fd >= 0:
            os.close(self.take())

    def take(self) -> int:
        """Give up the descriptor: somebody else closes it."""
        fd, self.fd = self.fd, -1
        return fd


class Root:
    """A directory from which files are sent, or a single file."""

    __slots__ = ("_real", "name")

    def __init__(self, name: str) -> None:
        self.name = os.fsencode(os.path.abspath(name))
        self._real = _prefix_of(self.name)

    def admits(self, path: bytes) -> bool:
        """Say whether a real path lies in here; whole components are compared."""
        # Departure: uWSGI compares text, so that /srv/www opens /srv/www-private.
        if self._contains(path):
            return True
        # It may have been made, or a link to it changed, since the last look.
        real = _prefix_of(self.name)
        if real == self._real:
            return False
        self._real = real
        return self._contains(path)

    def _contains(self, path: bytes) -> bool:
        return path.startswith(self._real) or path + b"/" == self._real


root_of = lru_cache(maxsize=64)(Root)  # for the DOCUMENT_ROOT of a request


def _prefix_of(name: bytes) -> bytes:
    real = os.path.realpath(name)
    return real if real.endswith(b"/") else real + b"/"


class Mount(NamedTuple):
    """A prefix of paths and the place from which they are answered."""

    prefix: bytes
    root: Root


class Places:
    """All that the operator named."""

    __slots__ = ("docroot", "index", "maps", "maps2", "roots", "safe")

    def __init__(
        self,
        roots: tuple[Root, ...] = (),
        maps: tuple[Mount, ...] = (),
        maps2: tuple[Mount, ...] = (),
        *,
        docroot: bool = False,
        index: tuple[bytes, ...] = (),
        safe: tuple[Root, ...] = (),
    ) -> None:
        self.roots = roots
        self.maps = maps
        self.maps2 = maps2
        self.docroot = docroot
        self.index = index
        self.safe = safe

    def find(self, path_info: bytes, document_root: str | None = None) -> Found | None:
        """Open the file for a path, or say that there is none."""
        if b"\0" in path_info:
            return None  # Departure: uWSGI serves the file that is named before the NUL
        first = True
        for root, path in self._candidates(path_info, document_root):
            found = self.open(path, root)
            if found is not None:
                found.first = first and not self.docroot
                return found
            first = False
        return None

    def _candidates(
        self, path_info: bytes, document_root: str | None
    ) -> Iterator[tuple[Root, bytes]]:
        if self.index or not path_info.endswith(b"/"):
            for root in self.roots:
                yield root, root.name + b"/" + path_info
        for prefix, root in self.maps:
            if path_info.startswith(prefix):
                yield root, root.name + b"/" + path_info[len(prefix) :]
        for prefix, root in self.maps2:
            if path_info.startswith(prefix):
                yield root, root.name + b"/" + path_info
        if self.docroot and document_root:
            root = root_of(document_root)
            yield root, root.name + b"/" + path_info

    def open(self, path: bytes, root: Root) -> Found | None:
        """Open one candidate; of a directory, its first index."""
        if b"/.." in path:
            # Nothing outside is so much as opened.
            path = os.path.realpath(path)
            if not self._allowed(path, root):
                return None
        try:
            return self._opened(path, root)
        except NotADirectoryError:
            # A static-map to a single file: every path behind the prefix gets it.
            return self._beside(root.name, root) if os.path.isfile(root.name) else None
        except IsADirectoryError:
            return self._index_of(path, root)
        except OSError:
            return None

    def _index_of(self, directory: bytes, root: Root) -> Found | None:
        for name in self.index:
            found = self._beside(directory.rstrip(b"/") + b"/" + name, root)
            if found is not None:
                found.index = name
                return found
        return None

    def twin(self, found: Found, suffix: bytes) -> Found | None:
        """Open the file beside it whose name is longer by `suffix`."""
        return self._beside(found.path + suffix, found.root)

    def _beside(self, path: bytes, root: Root) -> Found | None:
        try:
            return self._opened(path, root)
        except OSError:
            return None

    def _opened(self, path: bytes, root: Root) -> Found | None:
        """Open and look: OSError when it is no file, None when it is not for this client."""
        fd = os.open(path, FLAGS)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                kind = IsADirectoryError if stat.S_ISDIR(status.st_mode) else OSError
                raise kind("not a regular file")
            real = real_path(fd, path)
            if not self._allowed(real, root):
                return None
            found = Found(fd, real, status, root)
            found.asked = path
            fd = -1
            return found
        finally:
            if fd >= 0:
                os.close(fd)

    def _allowed(self, real: bytes, root: Root) -> bool:
        if root.admits(real) or any(safe.admits(real) for safe in self.safe):
            return True
        log.line(OUTSIDE.format(os.fsdecode(real), os.fsdecode(root.name)))
        return False


def real_path(fd: int, path: bytes) -> bytes:
    """Say where an open file really is."""
    try:
        return os.readlink(b"/proc/self/fd/%d" % fd)
    except OSError:  # a system without /proc: ask by name, and see that it is the same file
        real = os.path.realpath(path)
        if not os.path.samestat(os.stat(real), os.fstat(fd)):
            raise
        return real


class Remembered:
    """The places, with a memory of where a path was found last."""

    __slots__ = ("_known", "_now", "_places", "_seconds")

    def __init__(
        self, places: Places, seconds: float, now: Callable[[], float] = monotonic
    ) -> None:
        self._places = places
        self._seconds = seconds
        self._now = now
        self._known: dict[bytes, tuple[float, bytes, Root, bytes]] = {}

    def find(self, path_info: bytes, document_root: str | None = None) -> Found | None:
        """Open the file for a path, at once if it was found lately."""
        until, path, root, index = self._known.get(path_info, (0.0, b"", None, b""))
        if root is not None and self._now() < until:
            # The file is opened and checked all the same: only the search is saved.
            found = self._places.open(path, root)
            if found is not None:
                found.index = index
                return found
        found = self._places.find(path_info, document_root)
        if found is not None and not (self._places.docroot and document_root):
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            until = self._now() + self._seconds
            self._known[path_info] = (until, found.path, found.root, found.index)
        return found
