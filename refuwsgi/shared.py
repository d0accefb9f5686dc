"""Memory and locks that forked processes share.

Section:  ground / shared memory
What:     words: counters that all processes of an instance see, each with one writer and
          therefore without a lock.  Lock: for what has several writers.
Units:    a word has 64 bits.
Errors:   none of its own.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import threading
import time
import weakref
from types import TracebackType

WORD = 8  # bytes


def words(count: int) -> memoryview:
    """Make `count` words of value 0; every process forked from now on shares them."""
    return memoryview(mmap.mmap(-1, max(1, count) * WORD)).cast("Q")


class Lock:
    """One holder at a time, among all threads of all processes forked after it was made.

    The kernel frees it when its holder dies, however it dies.  A thread that has it must not
    take it again.
    """

    # Two locks in one: a record lock belongs to a process and keeps the others out, but not
    # the other threads of that process, which the second lock is for.

    def __init__(self) -> None:
        self._file = _nameless_file()
        self._threads = threading.Lock()
        itself = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _renew(itself()))

    def __enter__(self) -> Lock:
        self._threads.acquire()
        try:
            self._take()
        except BaseException:
            self._threads.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def locked(self) -> bool:
        """Say whether anybody has it."""
        if not self._threads.acquire(blocking=False):
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
            return False
        finally:
            self._threads.release()

    def close(self) -> None:
        """Give the descriptor back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def _take(self) -> None:
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
                return
            except OSError as problem:
                # The kernel looks for circles among processes, not threads, and may see one
                # where two threads of a process wait for different locks.
                if problem.errno != errno.EDEADLK:
                    raise
                time.sleep(0.001)

    def renew(self) -> None:
        """Begin anew in a child: a thread that held it in the parent will not release it here."""
        self._threads = threading.Lock()


def _renew(lock: Lock | None) -> None:
    if lock is not None:
        lock.renew()


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("refuwsgi-lock", os.MFD_CLOEXEC)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
