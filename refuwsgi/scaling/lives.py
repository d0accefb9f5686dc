"""The lives of the master's processes: they are born, they die, others take their places.

Section:  scaling / master; the lives of its processes
What:     forks the workers and the routers.  For each of them a task waits for its death, says
          why it died, and fills the place again, unless the instance is about to end.

              fork --> serve --> death --> serving on? --yes--> pause, if they die too fast --> fork
                                               |no
                                               +--> master.gone()

Units:    times are seconds.
Errors:   a worker that dies is replaced; one that dies at once, again and again, is given
          `forkbomb-delay` seconds between two tries.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Option, number
from refuwsgi.processes import Child
from refuwsgi.scaling import forking, workers
from refuwsgi.scaling.orders import RUN, STOP
from refuwsgi.scaling.slots import Slot
from refuwsgi.scaling.workers import Worker

if TYPE_CHECKING:
    from refuwsgi.scaling.master import Master

FORKBOMB_DELAY = Option(
    "forkbomb-delay",
    number,
    default=2,
    help="seconds to wait when workers die as soon as they are born",
    implies=("master",),
)
BURIED = "worker {} buried after {} seconds"
CHEAPED = "uWSGI worker {} cheaped."
GATEWAY_BURIED = 'gateway "{}" has been buried (pid: {})'
GATEWAY_SPAWNED = "spawned {} (pid: {})"
GATEWAY_RESPAWNED = "respawned {} (pid: {})"

ECHO = 0.05  # a Ctrl-C reaches every process; a worker may end by it before we have heard of it
ECHOES = (0, -signal.SIGINT)  # how a worker ends by Ctrl-C, the latter if it was just born


class Lives:
    """Fills the places of a master with processes."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._board = master.board
        self._life_out, self._life_in = os.pipe2(os.O_CLOEXEC)
        self._pace = forking.Pace(master.config[FORKBOMB_DELAY], len(self._board.workers))

    def places(self) -> list[Slot]:
        """A place for each worker."""
        return [
            Slot(number, f"uWSGI worker {number}", self._worker_main(number))
            for number in range(1, len(self._board.workers) + 1)
        ]

    def _worker_main(self, number: int) -> Callable[[], int]:
        def main() -> int:
            os.close(self._life_in)
            if self._master.plan.close is not None:
                self._master.plan.close()
            return Worker(number, self._master.plan, self._life_out).run()

        return main

    def spawn_worker(self, slot: Slot) -> None:
        """Fork the worker of a slot."""
        row = self._board.workers[slot.number - 1]
        row.ready = row.accepting = row.retiring = row.paused = 0
        row.base = sum(core.requests for core in self._board.cores[slot.number - 1])
        row.spawned = int(time.time())
        slot.wanted, slot.planned = True, False
        if (child := forking.start(self._master, slot, self.spawn_worker, held=True)) is None:
            return
        row.pid = child.pid
        if row.id:
            log.line(workers.RESPAWNED.format(slot.number, child.pid))
        else:
            log.line(workers.SPAWNED.format(slot.number, child.pid, self._master.plan.cores))
        row.id = slot.number
        row.respawns += 1
        self._master.loop.spawn(self._mind_worker(slot, child))

    async def _mind_worker(self, slot: Slot, child: Child) -> None:
        await readable(child.sentinel)
        status = child.status()
        slot.child = None
        if not (slot.planned or status not in ECHOES or self._master.ending):
            await sleep(ECHO)
        row = self._board.workers[slot.number - 1]
        row.pid = row.accepting = row.ready = 0
        for core in self._board.cores[slot.number - 1]:
            core.in_request = core.deadline = 0
        if not self._master.serving:
            took = round(time.monotonic() - self._master.ending_since)
            log.line(BURIED.format(slot.number, took))
            self._master.gone()
            return
        log.line(slot.ended(child.pid, status))
        if status == workers.NO_APP:
            log.line("need-app requested, destroying the instance...")
            self._master.end(STOP, signal.SIGINT, status=workers.NO_APP)
            return
        if slot.wanted and not (slot.planned or status == workers.PLANNED):
            await self._pace.slow_down()
        if slot.wanted and self._master.serving:
            self.spawn_worker(slot)
        elif slot.cheaped:
            slot.cheaped = False
            log.line(CHEAPED.format(slot.number))

    def spawn_gateway(self, slot: Slot) -> None:
        """Fork the router of a slot."""
        first = not slot.started
        if (child := forking.start(self._master, slot, self.spawn_gateway)) is None:
            return
        line = GATEWAY_SPAWNED if first else GATEWAY_RESPAWNED
        log.line(line.format(slot.name, child.pid))
        self._master.loop.spawn(self._mind_gateway(slot, child))

    async def _mind_gateway(self, slot: Slot, child: Child) -> None:
        await readable(child.sentinel)
        child.status()
        slot.child = None
        if self._master.goal != RUN:
            log.line(GATEWAY_BURIED.format(slot.name, child.pid))
            self._master.gone()
            return
        if time.monotonic() - slot.started < 1:
            await sleep(1.0)
        if self._master.goal == RUN:
            self.spawn_gateway(slot)
