"""Letters for the fifo of a master, without ever being blocked by it.

What: a server may remove its fifo and make another between two letters.  Who opens the old one in
      that moment waits for a reader that never comes, who writes to it is not heard: nothing here
      blocks, and what nobody has read is written again to the fifo that has the name now.
"""

import array
import fcntl
import os
import termios
import time
from pathlib import Path

from . import proc


def write_fifo(path: Path, letters: str, limit: float = proc.LIMIT) -> None:
    """Write to a fifo and wait until all has been read; `Late` if it is not."""
    left = letters.encode()
    end = time.monotonic() + proc.allowed(limit)

    def read() -> bool:
        nonlocal left
        left = _offered(path, left, end)
        return not left

    proc.eventually(read, f"somebody reads {letters!r} from {path.name}", limit)


def _offered(path: Path, data: bytes, end: float) -> bytes:
    """Write to the fifo that has this name now; return what nobody has read from it."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return data  # it is not there yet, or nobody reads
    try:
        os.write(fd, data)
        while _unread(fd) and _named(fd, path) and time.monotonic() < end:
            time.sleep(0.005)
        return _taken_back(fd)
    except BrokenPipeError:
        return data
    finally:
        os.close(fd)


def _unread(fd: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, count)
    return count[0]


def _taken_back(fd: int) -> bytes:
    """What nobody has read and now nobody can: a count would be old when the reader goes on."""
    reader = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(reader, _unread(fd))
    except BlockingIOError:
        return b""  # it was read between the count and here
    finally:
        os.close(reader)


def _named(fd: int, path: Path) -> bool:
    """Whether the fifo that is open still has the name."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
