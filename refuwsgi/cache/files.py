"""Caches in files, and files in caches.

Section:  ground / the cache; its files
What:     maps the file in which a cache outlives its server; reads what is loaded into a cache.
Units:    sizes are bytes.
Errors:   ValueError for a file of another size; OSError for one that cannot be opened.
"""

from __future__ import annotations

import mmap
import os

from refuwsgi.cache.layout import MAGIC, WORD, Shape

RESTORED = "[uwsgi-cache] restored {} items"
WRONG = "invalid cache store file. Please remove it or fix cache blocksize/items to match its size"


def opened(path: str, shape: Shape, *, delete: bool = False) -> mmap.mmap:
    """Map the file of a cache; make it if there is none."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise ValueError(f"{problem.strerror}: {path}") from None
    try:
        size = os.fstat(fd).st_size
        if size and (size != shape.size or not _ours(fd)):
            if not delete:
                raise ValueError(f"{WRONG}: {path}")
            os.ftruncate(fd, 0)
        os.ftruncate(fd, shape.size)
        # A hole in the file would be filled at the first write, which on a full disk is a SIGBUS.
        os.posix_fallocate(fd, 0, shape.size)
        return mmap.mmap(fd, shape.size)
    except OSError as problem:
        raise ValueError(f"{problem.strerror}: {path}") from None
    finally:
        os.close(fd)


def _ours(fd: int) -> bool:
    return os.pread(fd, WORD, 0) in (MAGIC.to_bytes(WORD, "little"), bytes(WORD))


def content_of(path: str, *, gzip: bool = False) -> bytes:
    """Read a file."""
    with open(path, "rb") as file:
        content = file.read()
    if not gzip:
        return content
    import zlib

    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush()
