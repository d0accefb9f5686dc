"""processes: a worker is a process that serves requests.

Section:  scaling / processes
What:     the life of one worker between its fork and its end: what it inherits from the master
          and lets go, its signals, its cores, its offload threads, and how it leaves.

              SIGHUP                    graceful: every core finishes its request
              SIGINT, SIGQUIT, SIGTERM  at once
              SIGTSTP                   pause, and on again
              the master has gone       graceful

Units:    times are seconds.
Errors:   an application that cannot be loaded (lazy-apps) ends a worker that needs it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from refuwsgi import log
from refuwsgi.options import Option, flag, how_many, number
from refuwsgi.scaling.cores import Core, Service
from refuwsgi.scaling.gate import Gate
from refuwsgi.scaling.orders import REOPEN
from refuwsgi.scaling.parking import Parking
from refuwsgi.scoreboard import Scoreboard

PROCESSES = Option(
    "processes",
    how_many,
    default=1,
    help="workers: processes that serve requests",
    aliases=("workers", "p"),
)
WORKER_RELOAD_MERCY = Option(
    "worker-reload-mercy",
    number,
    default=60,
    help="seconds that a worker has to finish its requests before it is killed",
)
NO_ORPHANS = Option(
    "no-orphans",
    flag,
    default=False,
    help="a worker whose master has gone ends at once, whatever it is doing",
    bare="true",
)

SPAWNED = "spawned uWSGI worker {} (pid: {}, cores: {})"
ONLY = "spawned uWSGI worker {} (and the only) (pid: {}, cores: {})"
RESPAWNED = "Respawned uWSGI worker {} (new pid: {})"
GRACEFUL = "Gracefully killing worker {} (pid: {})..."
DISCONNECTED = (
    "uWSGI worker {} error: the master disconnected from this worker. Shutting down the worker."
)

PLANNED = 17  # exit status of a worker that ends because it was asked to, as uWSGI has it
NO_APP = 22  # exit status of a worker that needs an application and has none


class Offloading(Protocol):
    """What a worker knows of its offload threads."""

    def start(self) -> None:
        """Start them; called once, in the worker."""

    def drain(self, timeout: float) -> bool:
        """Wait until they have nothing to do."""
        ...


class Plan:
    """What a worker is made of, decided by the master before the fork."""

    def __init__(
        self,
        board: Scoreboard,
        cores: int,
        build: Callable[[int], tuple[Service, Offloading | None]],
        *,
        mercy: float = 60.0,
        no_orphans: bool = False,
        close: Callable[[], None] | None = None,
    ) -> None:
        self.board = board
        self.cores = cores
        self.build = build  # worker number -> its service; loads the application if it is lazy
        self.mercy = mercy
        self.no_orphans = no_orphans
        self.close = close  # lets go of what only the master needs


class Worker:
    """The process that serves requests."""

    def __init__(
        self,
        number: int,
        plan: Plan,
        life_line: int = -1,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        self.number = number  # from 1
        self.row = plan.board.workers[number - 1]
        self.gate = Gate()
        self._plan = plan
        self._life_line = life_line  # readable when the master has gone
        self._at_end = at_end  # without a master, the first worker clears up

    def run(self) -> int:
        """Serve until told to leave; return the exit status."""
        self._mind_signals()
        service, offloading = self._plan.build(self.number)
        if offloading is not None:
            offloading.start()
        rows = self._plan.board.cores[self.number - 1]
        for row in rows:
            row.in_request = 0
            row.deadline = 0
        parking = Parking(rows)
        cores = [
            Core(self.number, place, row, service, self.gate, parking)
            for place, row in enumerate(rows)
        ]
        self.row.accepting = 1
        self.row.ready = 1
        self._serve(cores)
        self.row.accepting = 0
        for door in service.doors:
            door.drain(self._plan.mercy)
        if offloading is not None:
            offloading.drain(self._plan.mercy)
        return PLANNED

    def _serve(self, cores: list[Core]) -> None:
        if self._life_line >= 0:
            threading.Thread(target=self._watch_master, daemon=True).start()
        if len(cores) == 1:
            threading.current_thread().name = self._name(0)
            cores[0].run()
            return
        threads = [
            threading.Thread(target=core.run, name=self._name(core.number)) for core in cores
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _name(self, core: int) -> str:
        return f"uWSGIWorker{self.number}Core{core}"

    def _watch_master(self) -> None:
        """Leave when the other end of the life line closes: the master has gone."""
        while os.read(self._life_line, 1):
            pass
        if self._plan.no_orphans:
            os._exit(0)
        if not self.gate.leaving:
            log.line(DISCONNECTED.format(self.number))
            self.gate.leave()

    def _mind_signals(self) -> None:
        signal.set_wakeup_fd(-1)
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(sign, self._end)
        signal.signal(signal.SIGHUP, self._leave)
        signal.signal(signal.SIGTSTP, self._pause)
        signal.signal(signal.SIGUSR2, self._show)
        signal.signal(REOPEN, lambda number, frame: log.reopen())
        for sign in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(sign, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # without a master some were held back

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._at_end is not None:
            self._at_end()
        os._exit(0)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        if not self.gate.leaving:
            if not self.row.retiring:
                log.line(GRACEFUL.format(self.number, os.getpid()))
            self.gate.leave()

    def _pause(self, number: int, frame: FrameType | None) -> None:
        if self.gate.paused:
            self.gate.resume()
            log.line(f"*** worker {self.number} resumed ***")
        else:
            self.gate.pause()
            log.line(f"*** worker {self.number} suspended ***")

    def _show(self, number: int, frame: FrameType | None) -> None:
        requests = sum(row.requests for row in self._plan.board.cores[self.number - 1])
        log.line(f"worker {self.number} (pid: {os.getpid()}): {requests} requests")
