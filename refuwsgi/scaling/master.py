"""master = true: the process that supervises, and never serves.

Section:  scaling / master
What:     starts the workers and the routers, obeys the operator, looks around once a cycle, and
          ends when the last process has gone.  It has one thread and one loop; whatever happens
          is a task that waits for it.

              orders.py  -->  master  -->  worker 1, worker 2, ...  http 1, fastrouter 1, ...
                                 ^                  |
                                 +---- deaths ------+   lives.py

Units:    times are seconds.
Errors:   who does not end in time is killed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from refuwsgi import log, processes
from refuwsgi.gateway import DRAIN, GatewayProcess
from refuwsgi.loop import Loop, sleep
from refuwsgi.options import Config, Option, flag
from refuwsgi.scaling import orders
from refuwsgi.scaling.lives import Lives
from refuwsgi.scaling.orders import RELOAD, RUN, STOP
from refuwsgi.scaling.slots import Slot, living
from refuwsgi.scaling.workers import Plan

MASTER = Option(
    "master",
    flag,
    default=False,
    help="supervise the workers: replace those that die, reload, count",
    aliases=("M",),
    bare="true",
)
MASTER_SPAWNED = "spawned uWSGI master process (pid: {})"
MASTER_RESPAWNED = "gracefully (RE)spawned uWSGI master process (pid: {})"
NO_MERCY = "worker {} (pid: {}) is taking too much time to die...NO MERCY !!!"
GOODBYE = "goodbye to uWSGI."

STOP_MERCY = 5.0  # seconds that a worker has after a signal that should end it at once


class Master:
    """Supervises the processes of an instance."""

    def __init__(self, config: Config, plan: Plan, gateways: list[GatewayProcess]) -> None:
        self.config = config
        self.plan = plan
        self.board = plan.board
        self.loop = Loop()
        self.goal = RUN
        self.lives = Lives(self)
        self.workers = self.lives.places()
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
        self.ending_since = 0.0  # when it was first asked to end
        self.hurry = False  # what ends does so at once
        self._draining = False  # the routers have been told to end, the workers not yet

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
                self.lives.spawn_worker(slot)
        for slot in self.gateways:
            self.lives.spawn_gateway(slot)
        for task in self.tasks:
            self.loop.spawn(task)
        if self.cycle:  # a master that has nothing to look at does not wake
            self.loop.spawn(self._look_around())
        self.loop.run()
        for call in self.at_end:
            call()
        return self.goal

    def spawn_worker(self, slot: Slot) -> None:
        """Fork the worker of a slot."""
        self.lives.spawn_worker(slot)

    def renew(self, slot: Slot, how: signal.Signals = signal.SIGHUP) -> None:
        """Let a worker go and another take its place."""
        if slot.child is not None:
            slot.planned = True
            slot.send(how)
            mercy = self.plan.mercy if how == signal.SIGHUP else STOP_MERCY
            self.loop.spawn(self._lose_patience_with(slot, slot.pid, mercy))

    def living(self, slots: list[Slot]) -> list[Slot]:
        """Those of the slots that have a process."""
        return living(slots)

    async def _look_around(self) -> None:
        while True:
            await sleep(1.0)
            if self.goal == RUN:
                for look in self.cycle:
                    look(self)

    @property
    def serving(self) -> bool:
        """Whether a worker that dies is replaced."""
        return self.goal == RUN or self._draining

    @property
    def ending(self) -> bool:
        """Whether the instance is about to stop or to reload."""
        return self.goal != RUN

    # ------------------------------------------------------------------ the end

    def end(self, goal: str, how: signal.Signals, *, status: int = 0) -> None:
        """Ask every process to end; when the last has gone, so does the loop."""
        graceful = how == signal.SIGHUP
        if self.goal == STOP and (graceful or self.hurry):
            return
        if self.goal == RUN:
            self.status = status
            self.ending_since = time.monotonic()
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

    def gone(self) -> None:
        """Go on ending: a process has gone that nobody replaces."""
        if self._draining and not self.living(self.gateways):
            self._end_workers(signal.SIGHUP)
        self._end_if_alone()

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
