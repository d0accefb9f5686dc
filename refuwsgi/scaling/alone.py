"""No master: the first worker is the process that was started.

Section:  scaling / processes; without a master
What:     worker 1 is this process, the others are its children; a router is started all the
          same.  Nobody replaces what dies.  An instance that is only a router stays in the
          foreground until it is stopped.
Units:    none.
Errors:   none.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from refuwsgi import log, processes
from refuwsgi.gateway import GatewayProcess
from refuwsgi.processes import Child
from refuwsgi.scaling import workers
from refuwsgi.scaling.lives import GATEWAY_SPAWNED
from refuwsgi.scaling.workers import Plan, Worker

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)


def run(plan: Plan, gateways: list[GatewayProcess], count: int, at_end: Callable[[], None]) -> int:
    """Be worker 1 until it ends; return the exit status."""
    # A signal that came between two births would leave the elder behind.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    children = [_start_gateway(gateway) for gateway in gateways]
    for number in range(2, count + 1):
        children.append(processes.start(f"uWSGI worker {number}", _main(number, plan)))
        _note(plan, number, children[-1].pid)
        log.line(workers.SPAWNED.format(number, children[-1].pid, plan.cores))
    _note(plan, 1, os.getpid())
    words = workers.ONLY if count == 1 else workers.SPAWNED
    log.line(words.format(1, os.getpid(), plan.cores))

    def end() -> None:
        _end(children)
        at_end()

    status = Worker(1, plan, at_end=end).run()
    end()
    return 0 if status == workers.PLANNED else status


def run_gateways(gateways: list[GatewayProcess]) -> int:
    """Keep routers without workers until a signal stops them."""
    # Departure: uWSGI ends at once; the document's commands show no master.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    children = [_start_gateway(gateway) for gateway in gateways]
    stopping: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.append(number)
        for child in children:
            child.kill(signal.SIGINT)

    for number in ENDING:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    for child in children:
        child.status()
    return 0 if stopping else 1


def _start_gateway(gateway: GatewayProcess) -> Child:
    child = processes.start(gateway.name, gateway.run)
    log.line(GATEWAY_SPAWNED.format(gateway.name, child.pid))
    return child


def _main(number: int, plan: Plan) -> Callable[[], int]:
    return lambda: Worker(number, plan).run()


def _note(plan: Plan, number: int, pid: int) -> None:
    row = plan.board.workers[number - 1]
    row.id, row.pid, row.respawns = number, pid, 1


def _end(children: list[Child]) -> None:
    for child in children:
        child.kill(signal.SIGINT)
    for child in children:
        child.status()
