"""When a process cannot be started, or ends as soon as it was: the master tries again, later.

Section:  scaling / master; processes that cannot be
What:     starts the process of a slot.  When the kernel has none to give (too many processes, no
          memory, no descriptor) it says so and tries again after a pause; meanwhile the others
          serve.  `Pace` makes a pause when workers die as fast as they are born.
Units:    times are seconds.
Errors:   none: what cannot be now may be later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log, processes
from refuwsgi.loop import sleep
from refuwsgi.processes import Child

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master
    from refuwsgi.scaling.slots import Slot

FAILED = "unable to start {}: {}, trying again in {:.0f} s"
TOO_FAST = "worker respawning too fast !!! i have to sleep a bit ({} seconds)..."
PAUSE = 1.0


def start(
    master: Master, slot: Slot, again: Callable[[Slot], None], *, held: bool = False
) -> Child | None:
    """Fork the process of a slot; None: it could not be done, and `again` is called later."""
    slot.started = time.monotonic()
    try:
        slot.child = processes.start(slot.name, slot.run, held=held)
    except OSError as problem:
        log.line(FAILED.format(slot.name, problem.strerror, PAUSE))
        master.loop.spawn(_later(master, slot, again))
    return slot.child


async def _later(master: Master, slot: Slot, again: Callable[[Slot], None]) -> None:
    await sleep(PAUSE)
    if slot.child is None and slot.wanted and not master.ending:
        again(slot)


class Pace:
    """How fast workers may be born."""

    def __init__(self, delay: float, workers: int) -> None:
        self._delay = delay
        self._most = max(2, workers)  # deaths within a second
        self._recent: list[float] = []

    async def slow_down(self) -> None:
        """Take note of a death; make a pause when there were too many."""
        now = time.monotonic()
        self._recent = [then for then in self._recent if now - then < 1.0] + [now]
        if self._delay and len(self._recent) > self._most:
            log.line(TOO_FAST.format(self._delay))
            self._recent.clear()
            await sleep(self._delay)
