"""Signals that come before there is a master to obey them.

Section:  ground / the server; signals while it starts
What:     while the configuration is obeyed and the application loads, a signal that stops the
          server ends it at once, without a traceback and without leaving sockets; any other is
          kept for the master, because a generation that follows another must not die of a
          second SIGHUP.  From one generation to the next signals are held back by the kernel.

              exec --> held back --> kept, or the end --> the master's own handlers

Units:    none.
Errors:   none.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

from refuwsgi.loop import sleep
from refuwsgi.options import Config
from refuwsgi.scaling import orders

STOPS: Final = (orders.stop, orders.stop_gracefully)
IMPATIENT: Final = (signal.SIGTERM, signal.SIGQUIT)  # nothing runs yet that could be reloaded


def hold_back(config: Config) -> None:
    """Let the kernel keep the signals until the next generation listens to them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(orders.meanings(config)))


class Starting:
    """What happens to signals until the master takes over."""

    def __init__(self, config: Config, clear: Callable[[], None], *, again: bool) -> None:
        self._kept: list[int] = []
        self._clear = clear
        self._pid = os.getpid()
        found = orders.meanings(config)
        for number, order in found.items():
            if order in STOPS or (number in IMPATIENT and not again):
                signal.signal(number, self._end)
            elif number != signal.SIGTSTP:
                signal.signal(number, self._keep)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _end(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._pid:  # the application may have forked
            self._clear()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._kept.append(number)

    async def deliver(self) -> None:
        """Send what was kept once more, now that somebody listens."""
        await sleep(0)
        for number in self._kept:
            os.kill(os.getpid(), number)
