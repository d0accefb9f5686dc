"""master = true: the process that supervises, and never serves.

Section:  scaling / master
What:     forks the workers and the routers, minds their deaths and the operator's signals, and
          looks around once a cycle.  It has one thread and one loop; whatever happens is a
          task that waits for it.

              orders.py  -->  master  -->  worker 1, worker 2, ...  http 1, fastrouter 1, ...
                                 ^                  |
                                 +---- deaths ------+

Units:    times are seconds.
Errors:   a worker that dies is replaced; one that dies at once, again and again, is given
          `forkbomb-delay` seconds between two tries.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from refuwsgi import log, processes
from refuwsgi.gateway import GatewayProcess
from refuwsgi.loop import Loop, readable, sleep
from refuwsgi.options import Config, Option, flag, number
from refuwsgi.processes import Child
from refuwsgi.scaling import orders, workers
from refuwsgi.scaling.orders import RUN, STOP
from refuwsgi.scaling.workers import Plan, Worker

MASTER = Option(
    "master",
    flag,
    default=False,
    help="supervise the workers: replace those that die, reload, count",
    aliases=("M",),
    bare="true",
)
FORKBOMB_DELAY = Option(
    "forkbomb-delay",
    number,
    default=2,
    help="seconds to wait when workers die as soon as they are born",
    implies=("master",),
)
MASTER_SPAWNED = "spawned uWSGI master process (pid: {})"
MASTER_RESPAWNED = "gracefully (RE)spawned uWSGI master process (pid: {})"
DAMN_SIGNAL = "DAMN ! worker {} (pid: {}) died, killed by signal {} :( trying respawn ..."
DAMN = "DAMN ! worker {} (pid: {}) died :( trying respawn ..."
KILLED = "worker {} killed successfully (pid: {})"
TOO_FAST = "worker respawning too fast !!! i have to sleep a bit ({} seconds)..."
NO_MERCY = "worker {} (pid: {}) is taking too much time to die...NO MERCY !!!"
BURIED = "worker {} buried after {} seconds"
CHEAPED = "uWSGI worker {} cheaped."
GATEWAY_BURIED = 'gateway "{}" has been buried (pid: {})'
GATEWAY_SPAWNED = "spawned {} (pid: {})"
GATEWAY_RESPAWNED = "respawned {} (pid: {})"
GOODBYE = "goodbye to uWSGI."

STOP_MERCY = 5.0  # seconds that a worker has after a signal that should end it at once


class Slot:
    """A place for a process that the master keeps filled."""

    def __init__(self, number: int, name: str, run: Callable[[], int]) -> None:
        self.number = number
        self.name = name
        self.run = run
        self.child: Child | None = None
        self.wanted = True  # False: when it ends it stays ended
        self.planned = False  # True: its end was asked for, nobody need worry
        self.cheaped = False  # True: its end makes room, nobody shall take its place
        self.started = 0

    @property
    def pid(self) -> int:
        """The process that fills it; 0 when there is none."""
        return self.child.pid if self.child is not None else 0

    def send(self, number: int) -> None:
        """Send its process a signal."""
        if self.child is not None:
            self.child.kill(number)


class Master:
    """Supervises the processes of an instance."""

    def __init__(self, config: Config, plan: Plan, gateways: list[GatewayProcess]) -> None:
        self.config = config
        self.plan = plan
        self.board = plan.board
        self.loop = Loop()
        self.goal = RUN
        self.workers = [
            Slot(number, f"uWSGI worker {number}", self._worker_main(number))
            for number in range(1, len(self.board.workers) + 1)
        ]
        self.gateways = [Slot(n, g.name, g.run) for n, g in enumerate(gateways, 1)]
        self.initial = len(self.workers)  # how many workers there are at the start
        self.cycle: list[Callable[[Master], None]] = []  # called about once a second
        self.tasks: list[Coroutine[Any, Any, None]] = []  # run beside the supervision
        self.before_end: list[Callable[[], None]] = []  # called once, when it begins to stop
        self.check_reload: Callable[[], Coroutine[Any, Any, bool]] | None = None
        self.status = 0  # the exit status
        self.asleep = False  # there are no workers, by intention
        self._life_out, self._life_in = os.pipe2(os.O_CLOEXEC)
        self._recent: list[float] = []
        self._ending_since = 0.0
        self._draining = False  # the routers have been told to end, the workers not yet

    def _worker_main(self, number: int) -> Callable[[], int]:
        def main() -> int:
            os.close(self._life_in)
            if self.plan.close is not None:
                self.plan.close()
            return Worker(number, self.plan, self._life_out).run()

        return main

    def run(self, *, again: bool = False) -> str:
        """Supervise until the end; return what is to come: STOP, or RELOAD."""
        self.board.instance.master = os.getpid()
        self.board.instance.started = int(time.time())
        log.line((MASTER_RESPAWNED if again else MASTER_SPAWNED).format(os.getpid()))
        found = orders.meanings(self.config)
        self.loop.spawn(orders.obey(self, found, orders.listen(found)))
        for slot in self.workers:
            slot.wanted = slot.number <= self.initial and not self.asleep
            if slot.wanted:
                self.spawn_worker(slot)
        for slot in self.gateways:
            self._spawn_gateway(slot)
        for task in self.tasks:
            self.loop.spawn(task)
        self.loop.spawn(self._look_around())
        self.loop.run()
        return self.goal

    # ------------------------------------------------------------------ processes

    def spawn_worker(self, slot: Slot) -> None:
        """Fork the worker of a slot."""
        row = self.board.workers[slot.number - 1]
        row.ready = row.accepting = row.retiring = row.paused = 0
        row.base = sum(core.requests for core in self.board.cores[slot.number - 1])
        row.spawned = int(time.time())
        slot.wanted, slot.planned = True, False
        slot.started = int(time.time())
        slot.child = processes.start(slot.name, slot.run)
        row.pid = slot.child.pid
        if row.id:
            log.line(workers.RESPAWNED.format(slot.number, slot.child.pid))
        else:
            log.line(workers.SPAWNED.format(slot.number, slot.child.pid, self.plan.cores))
        row.id = slot.number
        row.respawns += 1
        self.loop.spawn(self._mind_worker(slot, slot.child))

    async def _mind_worker(self, slot: Slot, child: Child) -> None:
        await readable(child.sentinel)
        status = child.status()
        slot.child = None
        row = self.board.workers[slot.number - 1]
        row.pid = row.accepting = row.ready = 0
        for core in self.board.cores[slot.number - 1]:
            core.in_request = core.deadline = 0
        if not self._serving:
            log.line(BURIED.format(slot.number, round(time.monotonic() - self._ending_since)))
            self._end_if_alone()
            return
        self._say_why(slot, child.pid, status)
        if status == workers.NO_APP:
            log.line("need-app requested, destroying the instance...")
            self.end(STOP, signal.SIGINT, status=workers.NO_APP)
            return
        if slot.wanted:
            await self._slow_down()
        if slot.wanted and self._serving:
            self.spawn_worker(slot)
        elif slot.cheaped:
            slot.cheaped = False
            log.line(CHEAPED.format(slot.number))

    def _say_why(self, slot: Slot, pid: int, status: int) -> None:
        if status == workers.PLANNED or slot.planned:
            log.line(KILLED.format(slot.number, pid))
        elif status < 0:
            log.line(DAMN_SIGNAL.format(slot.number, pid, -status))
        else:
            log.line(DAMN.format(slot.number, pid))

    async def _slow_down(self) -> None:
        now = time.monotonic()
        self._recent = [then for then in self._recent if now - then < 1.0] + [now]
        delay = self.config[FORKBOMB_DELAY]
        if delay and len(self._recent) > max(2, len(self.workers)):
            log.line(TOO_FAST.format(delay))
            self._recent.clear()
            await sleep(delay)

    def _spawn_gateway(self, slot: Slot) -> None:
        first = not slot.started
        slot.started = int(time.time())
        slot.child = processes.start(slot.name, slot.run)
        line = GATEWAY_SPAWNED if first else GATEWAY_RESPAWNED
        log.line(line.format(slot.name, slot.child.pid))
        self.loop.spawn(self._mind_gateway(slot, slot.child))

    async def _mind_gateway(self, slot: Slot, child: Child) -> None:
        await readable(child.sentinel)
        child.status()
        slot.child = None
        if self.goal != RUN:
            log.line(GATEWAY_BURIED.format(slot.name, child.pid))
            if self._draining and not self.living(self.gateways):
                self._end_workers(signal.SIGHUP)
            self._end_if_alone()
            return
        if time.time() - slot.started < 1:
            await sleep(1.0)
        if self.goal == RUN:
            self._spawn_gateway(slot)

    # ------------------------------------------------------------------ the end

    def end(self, goal: str, how: signal.Signals, *, status: int = 0) -> None:
        """Ask every process to end; when the last has gone, so does the loop."""
        if self.goal == STOP:
            return
        self.goal = goal
        self.status = status
        self._ending_since = time.monotonic()
        self.board.instance.stopping = 1
        for call in self.before_end:
            call()
        graceful = how == signal.SIGHUP
        # A router that drains stops accepting at once; the socket stays open here.  What it has
        # accepted still needs workers, so they are told when the last router has gone.
        self._draining = graceful and bool(self.living(self.gateways))
        for slot in self.living(self.gateways):
            slot.send(how)
        if not self._draining:
            self._end_workers(how)
        mercy = self.plan.mercy if graceful else STOP_MERCY
        self.loop.spawn(self._lose_patience(mercy))
        self._end_if_alone()

    def _end_workers(self, how: signal.Signals) -> None:
        self._draining = False
        for slot in self.living(self.workers):
            slot.planned = True
            slot.send(how)

    @property
    def _serving(self) -> bool:
        """Whether a worker that dies is replaced."""
        return self.goal == RUN or self._draining

    @property
    def ending(self) -> bool:
        """Whether the instance is about to stop or to reload."""
        return self.goal != RUN

    def living(self, slots: list[Slot]) -> list[Slot]:
        """Those of the slots that have a process."""
        return [slot for slot in slots if slot.child is not None]

    async def _lose_patience(self, mercy: float) -> None:
        await sleep(mercy)
        if self._draining:
            for slot in self.living(self.gateways):
                slot.send(signal.SIGKILL)
            await sleep(mercy)
        for slot in self.living(self.workers + self.gateways):
            log.line(NO_MERCY.format(slot.number, slot.pid))
            slot.send(signal.SIGKILL)

    def _end_if_alone(self) -> None:
        if not self.living(self.workers) and not self.living(self.gateways):
            self.loop.stop()

    async def _look_around(self) -> None:
        while True:
            await sleep(1.0)
            if self.goal == RUN:
                for look in self.cycle:
                    look(self)
