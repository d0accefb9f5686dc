"""Cheap mode of an instance: no worker at all until somebody knocks.

Section:  scaling / cheaper; down to no worker at all
What:     stops the workers, watches the listening sockets, and brings the workers back with the
          first connection, which waits in the queue meanwhile.  `idle` and `cheap` ask for it.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import READ, Wait, sleep, wait
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

GOING = "going cheap..."
WAITING = "cheap mode enabled: waiting for socket connection..."


async def sleep_until_called(master: Master, doors: Sequence[Listener]) -> None:
    """Have no workers until one of the doors has a client."""
    master.asleep = True
    if master.living(master.workers):
        log.line(GOING)
    for slot in master.workers:
        slot.wanted = False
        if slot.child is not None:
            slot.planned = slot.cheaped = True
            slot.send(signal.SIGHUP)
    while master.living(master.workers):
        await sleep(0.02)
    if master.ending:
        return
    log.line(WAITING)
    # A copy of each: a worker's own registration is none of our loop's business.
    await wait(Wait(tuple((door.sock, READ) for door in {d.sock: d for d in doors}.values())))
    wake(master)


def wake(master: Master) -> None:
    """Bring the workers back."""
    master.asleep = False
    if not master.ending:
        for slot in master.workers[: master.initial]:
            master.spawn_worker(slot)
