"""The pipe to the process that writes the log: nobody waits for ever to put something into it.

Section:  ground / the log; the pipe
What:     a logger that is stopped, or whose disk or reader is stuck, leaves the pipe full.  Who
          prints then waits a moment, once; from then on what finds no room is lost and counted,
          until there is room again.  The count is the first line that gets through.

              log.line, print --> room? --yes------------------------> pipe
                                   |no: wait PATIENCE, once --room---> pipe
                                   +----------------------> lost, counted

Units:    sizes are bytes, times seconds.
Errors:   none: a log is nobody's reason to stop.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time
from typing import Any, TextIO

LOST = "*** {} messages to the log were lost by process {}: nobody read them in time ***\n"
PACKET = 4096  # bytes that the kernel keeps together in a pipe of packets
ROOM = 1 << 20  # bytes of a pipe
PATIENCE = 0.5  # seconds that a full pipe may hold up a process


class Patience:
    """Writes to a pipe that may be full."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._pid = 0
        self._lost = 0  # messages, since one got through
        self._cut = False  # of the last that got in, the end did not

    def write(self, descriptor: int, data: bytes) -> int:
        """Put a message into the pipe, or lose it; either way it is done with."""
        if self._lost and self._pid == os.getpid() and not self._recovered(descriptor):
            self._lost += 1
            return len(data)
        left = _put(descriptor, data, self._patience)
        if left:
            # What was lost before a fork is told by the process that lost it.
            self._pid, self._lost, self._cut = os.getpid(), 1, left < len(data)
        return len(data)

    def _recovered(self, descriptor: int) -> bool:
        """Tell what was lost, if there is room to do so."""
        words = LOST.format(self._lost, self._pid).encode()
        if _put(descriptor, b"\n" + words if self._cut else words, 0.0):
            return False
        self._lost, self._cut = 0, False
        return True


def _put(descriptor: int, data: bytes, patience: float) -> int:
    """Write it; return how much of it found no room."""
    until = 0.0
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            now = time.monotonic()
            until = until or now + patience
            if now >= until:
                break
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll(1000 * (until - now) + 1)
        except OSError:
            return 0  # no reader is left: there is nobody to tell
    return len(data)


class _Raw(io.FileIO):
    """The descriptor of a standard stream, written to with patience."""

    def __init__(self, descriptor: int, patience: Patience) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._patience = patience

    def write(self, data: Any, /) -> int:
        """Take all of it, so that `print` never fails because nobody reads the log."""
        return self._patience.write(self.fileno(), bytes(data))


def stream(before: TextIO, patience: Patience) -> TextIO:
    """A stream like this one, for the same descriptor, that waits only so long."""
    if not isinstance(before, io.TextIOWrapper):
        return before  # somebody's own
    before.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(before.fileno(), patience)),
        before.encoding,
        before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )


def through(patience: Patience) -> tuple[TextIO, TextIO]:
    """Let `print` and the like be patient; return the streams of before."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream(each, patience) for each in before)
    return before


def pipe() -> tuple[int, int]:
    """A pipe that keeps together what was written at once, where the kernel can do that."""
    import fcntl

    try:
        made = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    except (AttributeError, OSError):
        made = os.pipe()
    os.set_blocking(made[1], False)
    try:
        fcntl.fcntl(made[1], fcntl.F_SETPIPE_SZ, ROOM)
    except (AttributeError, OSError):
        pass  # a smaller pipe will do
    return made
