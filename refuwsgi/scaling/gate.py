"""The gate: through it a worker's cores go from one request to the next.

Section:  scaling / threads; pause and leave
What:     signals come to the worker's main thread, which opens and closes the gate; a core that
          sleeps is woken by a pipe.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

import os
import threading


class Gate:
    """What a worker's cores look at between two requests: go on, pause or leave."""

    def __init__(self) -> None:
        self.leaving = False
        self.paused = False
        self.open = True  # neither: a core may take another client without a look at the rest
        self._resumed = threading.Event()
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor that is readable while a core should look at the gate."""
        return self._out

    def leave(self) -> None:
        """Let every core go as soon as it has no request."""
        self.leaving, self.open = True, False
        self._resumed.set()
        self._wake()

    def pause(self) -> None:
        """Let no core take another request until `resume`."""
        self.paused, self.open = True, False
        self._resumed.clear()
        self._wake()

    def resume(self) -> None:
        """Let the cores go on."""
        self.paused = False
        if not self.leaving:
            os.read(self._out, 4096)
            self.open = True
        self._resumed.set()

    def stay(self) -> bool:
        """Sleep while paused; say whether the core shall go on."""
        while self.paused and not self.leaving:
            self._resumed.wait()
        return not self.leaving

    def _wake(self) -> None:
        try:
            os.write(self._in, b"x")
        except BlockingIOError:
            pass  # full of reasons to look already
