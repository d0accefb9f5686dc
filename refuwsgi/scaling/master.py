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
from refuwsgi.gateway import DRAIN, GatewayProcess
from refuwsgi.loop import Loop, readable, sleep
from refuwsgi.options import Config, Option, flag, number
from refuwsgi.processes import Child
from refuwsgi.scaling import forking, orders, workers
from refuwsgi.scaling.orders import RELOAD, RUN, STOP
from refuwsgi.scaling.slots import Slot, living
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
NO_MERCY = "worker {} (pid: {}) is taking too much time to die...NO MERCY !!!"
BURIED = "worker {} buried after {} seconds"
CHEAPED = "uWSGI worker {} cheaped."
GATEWAY_BURIED = 'gateway "{}" has been buried (pid: {})'
GATEWAY_SPAWNED = "spawned {} (pid: {})"
GATEWAY_RESPAWNED = "respawned {} (pid: {})"
GOODBYE = "goodbye to uWSGI."

ECHO = 0.05  # a Ctrl-C reaches every process; a worker may end by it before we have heard of it
ECHOES = (0, -signal.SIGINT)  # how a worker ends by Ctrl-C, the latter if it was just born
STOP_MERCY = 5.0  # seconds that a worker has after a signal that should end it at once


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
        self.at_pause: list[Callable[[], None]] = []  # called when it pauses, and when it resumes
        self.at_end: list[Callable[[], None]] = []  # called when the last process has gone
        self.check_reload: Callable[[], Coroutine[Any, Any, bool]] | None = None
        self.letters: dict[str, Callable[[], None]] = {}  # more commands for the fifo
        self.log_order: Callable[[str], None] | None = None  # "reopen", "rotate" the log
        self.status = 0  # the exit status
        self.watched = False  # somebody looks at the deadlines of requests
        self.asleep = False  # there are no workers, by intention
        self.paused = False  # the workers take no request
        self.keeps = False  # a graceful reload replaces the workers only (lazy)
        self.asked = 0  # graceful reloads that have been asked for and not been decided on
        self.left: list[int] = []  # routers of the generation before, which finish their clients
        self._life_out, self._life_in = os.pipe2(os.O_CLOEXEC)
        self._pace = forking.Pace(config[FORKBOMB_DELAY], len(self.workers))
        self._ending_since = 0.0
        self.hurry = False  # what ends does so at once
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
        processes.set_title("uWSGI master")
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
        if self.cycle:  # a master that has nothing to look at does not wake
            self.loop.spawn(self._look_around())
        self.loop.run()
        for call in self.at_end:
            call()
        return self.goal

    # ------------------------------------------------------------------ processes

    def spawn_worker(self, slot: Slot) -> None:
        """Fork the worker of a slot."""
        row = self.board.workers[slot.number - 1]
        row.ready = row.accepting = row.retiring = row.paused = 0
        row.base = sum(core.requests for core in self.board.cores[slot.number - 1])
        row.spawned = int(time.time())
        slot.wanted, slot.planned = True, False
        if (child := forking.start(self, slot, self.spawn_worker, held=True)) is None:
            return
        row.pid = child.pid
        if row.id:
            log.line(workers.RESPAWNED.format(slot.number, child.pid))
        else:
            log.line(workers.SPAWNED.format(slot.number, child.pid, self.plan.cores))
        row.id = slot.number
        row.respawns += 1
        self.loop.spawn(self._mind_worker(slot, child))

    async def _mind_worker(self, slot: Slot, child: Child) -> None:
        await readable(child.sentinel)
        status = child.status()
        slot.child = None
        if not (slot.planned or status not in ECHOES or self.ending):
            await sleep(ECHO)
        row = self.board.workers[slot.number - 1]
        row.pid = row.accepting = row.ready = 0
        for core in self.board.cores[slot.number - 1]:
            core.in_request = core.deadline = 0
        if not self._serving:
            log.line(BURIED.format(slot.number, round(time.monotonic() - self._ending_since)))
            self._end_if_alone()
            return
        log.line(slot.ended(child.pid, status))
        if status == workers.NO_APP:
            log.line("need-app requested, destroying the instance...")
            self.end(STOP, signal.SIGINT, status=workers.NO_APP)
            return
        if slot.wanted and not (slot.planned or status == workers.PLANNED):
            await self._pace.slow_down()
        if slot.wanted and self._serving:
            self.spawn_worker(slot)
        elif slot.cheaped:
            slot.cheaped = False
            log.line(CHEAPED.format(slot.number))

    def _spawn_gateway(self, slot: Slot) -> None:
        first = not slot.started
        if (child := forking.start(self, slot, self._spawn_gateway)) is None:
            return
        line = GATEWAY_SPAWNED if first else GATEWAY_RESPAWNED
        log.line(line.format(slot.name, child.pid))
        self.loop.spawn(self._mind_gateway(slot, child))

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
        if time.monotonic() - slot.started < 1:
            await sleep(1.0)
        if self.goal == RUN:
            self._spawn_gateway(slot)

    # ------------------------------------------------------------------ the end

    def end(self, goal: str, how: signal.Signals, *, status: int = 0) -> None:
        """Ask every process to end; when the last has gone, so does the loop."""
        graceful = how == signal.SIGHUP
        if self.goal == STOP and (graceful or self.hurry):
            return
        if self.goal == RUN:
            self.status = status
            self._ending_since = time.monotonic()
        self.goal, self.hurry = goal, not graceful
        for call in self.before_end:
            call()
        self.before_end.clear()
        # What a router has accepted needs workers still.  In a reload those of the next
        # generation will do, at a stop the workers go when the last router has gone.
        self._draining = graceful and goal == STOP and bool(self.living(self.gateways))
        for slot in self.living(self.gateways):
            slot.send(DRAIN if graceful else how)
        if not self._draining:
            self._end_workers(how)
        self.loop.spawn(self._lose_patience(self.plan.mercy if graceful else STOP_MERCY))
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

    def renew(self, slot: Slot, how: signal.Signals = signal.SIGHUP) -> None:
        """Let a worker go and another take its place."""
        if slot.child is not None:
            slot.planned = True
            slot.send(how)
            mercy = self.plan.mercy if how == signal.SIGHUP else STOP_MERCY
            self.loop.spawn(self._lose_patience_with(slot, slot.pid, mercy))

    @property
    def ending(self) -> bool:
        """Whether the instance is about to stop or to reload."""
        return self.goal != RUN

    def living(self, slots: list[Slot]) -> list[Slot]:
        """Those of the slots that have a process."""
        return living(slots)

    async def _lose_patience(self, mercy: float) -> None:
        await sleep(mercy)
        if self._draining:
            for slot in self.living(self.gateways):
                slot.send(signal.SIGKILL)
            await sleep(mercy)
        for slot in self.living(self.workers + self.gateways):
            self._kill(slot)

    async def _lose_patience_with(self, slot: Slot, pid: int, mercy: float) -> None:
        await sleep(mercy)
        if slot.pid == pid:
            self._kill(slot)

    def _kill(self, slot: Slot) -> None:
        log.line(NO_MERCY.format(slot.number, slot.pid))
        slot.send(signal.SIGKILL)

    def _end_if_alone(self) -> None:
        routers = self.living(self.gateways)
        if self.living(self.workers):
            return
        if self.goal == RELOAD and not self.hurry:
            # The next generation has this process's pid and may accept at once; a router that
            # drains stays its child until the last client has been served.
            self.left += [slot.pid for slot in routers]
            self.loop.stop()
        elif not routers:
            self.loop.stop()

    async def _look_around(self) -> None:
        while True:
            await sleep(1.0)
            if self.goal == RUN:
                for look in self.cycle:
                    look(self)
