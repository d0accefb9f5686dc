"""Chain reload: one worker after the other, and at no time none.

Section:  scaling / Scaling; reloads that nobody notices
What:     lets a worker go, waits until its successor accepts, then turns to the next.  With
          lazy-apps the successors have the new code.
Units:    times are seconds.
Errors:   when a successor does not come up after `TRIES` attempts the chain stops, and the
          workers that are left go on with the old code.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import sleep

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master
    from refuwsgi.scaling.slots import Slot

STARTING = "chain reload starting..."
VICTIM = "chain next victim is worker {}"
WAITING = "chain is still waiting for worker {}..."
COMPLETE = "chain reloading complete"
GIVEN_UP = "chain reload given up: worker {} does not come up again"

TRIES = 3  # deaths of a successor after which the chain is given up
POLL = 0.05
SAY = 1.0  # seconds between two words about the waiting

_running: set[int] = set()  # the masters (there is one in a process) that are in a chain


def start(master: Master) -> None:
    """Begin a chain, unless one is going on or the instance is ending."""
    if not master.ending and id(master) not in _running:
        _running.add(id(master))
        master.loop.spawn(_chain(master))


async def _chain(master: Master) -> None:
    try:
        log.line(STARTING)
        for slot in master.living(master.workers):
            if slot.child is None or not slot.wanted:
                continue  # it has been stopped meanwhile
            log.line(VICTIM.format(slot.number))
            if not await _replaced(master, slot):
                return
        log.line(COMPLETE)
    finally:
        _running.discard(id(master))


async def _replaced(master: Master, slot: Slot) -> bool:
    """Replace one worker; False when the chain has to end."""
    row = master.board.workers[slot.number - 1]
    old, births = slot.pid, row.respawns
    master.renew(slot)
    said = time.monotonic()
    while slot.pid == old or not (row.ready and slot.child is not None):
        await sleep(POLL)
        if master.ending:
            return False
        if not slot.wanted:
            return True  # cheaper has taken it
        if row.respawns - births > TRIES:
            # Beyond: uWSGI goes on waiting.
            log.line(GIVEN_UP.format(slot.number))
            return False
        if time.monotonic() - said >= SAY:
            said = time.monotonic()
            log.line(WAITING.format(slot.number))
    return True
