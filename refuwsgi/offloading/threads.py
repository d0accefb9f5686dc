"""Offload threads: tiny tasks leave the worker, which is free for the next request.

Section:  offloading / The uWSGI offloading subsystem
What:     ``--offload-threads <n>`` starts n native threads in each worker.  Each has a loop, a
          mailbox, its sockets and nothing else: there is no lock, because nothing is shared.

              core 0 --- 1st task ---> mailbox -> thread 1: loop, hundreds of clients
                     --- 2nd task ---> mailbox -> thread 2: loop, hundreds of clients
                     --- 3rd task ---> mailbox -> thread 1
              core 1 --- 1st task ---> mailbox -> thread 1

          A core takes the threads in turn, and a task wakes exactly one of them: no herd.
          What was handed over is counted at once in ``offloaded_requests``.  Bytes that fit
          into the client's socket are sent on the way: such a task has ended before it begins.
Units:    timeouts are seconds.
Errors:   a client or a node that fails ends its task with one line in the log.
"""

from __future__ import annotations

import os
import time

from refuwsgi import log
from refuwsgi.handles import handle_of
from refuwsgi.offloading.engines import Engine, MemoryEngine
from refuwsgi.offloading.one_thread import (
    TRACE,
    Limits,
    Offloaded,
    OffloadThread,
    ThreadRow,
)
from refuwsgi.options import Config, Option, flag, how_many, number, seconds
from refuwsgi.request import Request
from refuwsgi.shared import words


def _threads(value: str) -> int:
    try:
        return how_many(value)
    except ValueError as problem:
        # Departure: uWSGI takes a word for 0, and starts no thread without a word of its own.
        raise ValueError(f"must be > 0: {problem}") from None


OFFLOAD_THREADS = Option(
    "offload-threads",
    _threads,
    default=0,
    help="start so many threads in each worker that send files and relay for it",
    aliases=("offload-thread",),
)
# Beyond: uWSGI waits for ever, and takes any number of tasks.
OFFLOAD_IDLE_TIMEOUT: Option[float | None] = Option(
    "offload-idle-timeout",
    seconds,
    default=None,
    help="end an offloaded transfer that has not moved for so many seconds",
)
OFFLOAD_TIMEOUT: Option[float | None] = Option(
    "offload-timeout",
    seconds,
    default=None,
    help="end an offloaded transfer that has not finished after so many seconds",
)
OFFLOAD_LIMIT = Option(
    "offload-limit",
    number,
    default=0,
    help="the most tasks that an offload thread has at once; the worker does the others itself",
)
OFFLOAD_TRACE = Option(
    "offload-trace",
    flag,
    default=False,
    help="log what becomes of each offloaded task",
    bare="true",
)

SPAWNED = "spawned {} offload threads for uWSGI worker {}"


def thread_rows(workers: int, threads: int) -> list[list[ThreadRow]]:
    """Make the rows of all workers, before the first fork."""
    cells = words(max(1, workers * threads * ThreadRow.SIZE))
    rows = [
        ThreadRow(cells[at : at + ThreadRow.SIZE])
        for at in range(0, workers * threads * ThreadRow.SIZE, ThreadRow.SIZE)
    ]
    return [rows[at : at + threads] for at in range(0, workers * threads, threads or 1)]


def figures(rows: list[ThreadRow]) -> list[dict[str, int]]:
    """Say what the threads of a worker are doing, for the stats server."""
    # Beyond: uWSGI counts what was handed over, and nothing of what became of it.
    return [
        {
            "id": number,
            "tasks": row.taken,
            "active": row.taken - row.ended,
            "failed": row.failed,
            "timed_out": row.late,
            "bytes": row.octets,
        }
        for number, row in enumerate(rows)
    ]


class OffloadThreads:
    """The threads of one worker, and whose turn it is."""

    def __init__(
        self,
        count: int,
        worker: int = 1,
        limits: Limits | None = None,
        rows: list[ThreadRow] | None = None,
    ) -> None:
        self._count = count
        self._worker = worker
        self._limits = limits or Limits()
        self.rows = rows or thread_rows(1, count)[0]
        self._threads: list[OffloadThread] = []
        self._turns: dict[int, int] = {}  # of each core; nobody else looks at a core's

    def start(self) -> None:
        """Start the threads, in the worker, after the fork."""
        for row in self.rows:
            row.clear()
        self._threads = [
            OffloadThread(number, self._worker, self._limits, row)
            for number, row in enumerate(self.rows)
        ]
        for each in self._threads:
            each.start()
        log.line(SPAWNED.format(self._count, self._worker))

    def offload(self, engine: Engine, request: Request) -> bool:
        """Give the client of a request to the next thread; False: the worker has to do it."""
        if isinstance(engine, MemoryEngine) and self._ends_at_once(engine, request):
            return True
        return self._hand_over(Offloaded(engine), request)

    def program(self, task: Offloaded, request: Request) -> bool:
        """As `offload`, for a task that somebody wants to follow."""
        if isinstance(task.engine, MemoryEngine) and self._ends_at_once(task.engine, request):
            task.failure = ""
            task.ended()
            return True
        return self._hand_over(task, request)

    def _ends_at_once(self, engine: MemoryEngine, request: Request) -> bool:
        """Take the first step of a task: say whether it was the last one, too."""
        # Beyond: what fits into the socket is under way at once and keeps nobody.  To wake a thread
        # for it costs more than to send it, because only one thread of Python runs at a time.
        if not self._threads or request.body.left or self._full():
            return False
        request.core.offloaded += 1  # before the client has the answer and may look
        try:
            if engine.at_once(handle_of(request.fd)):
                os.close(request.give_away())
                request.via = "offload"
                return True
        except OSError:
            request.core.write_errors += 1
            raise
        request.core.offloaded -= 1
        return False

    def _hand_over(self, task: Offloaded, request: Request) -> bool:
        thread = self._next(request.core_number) if self._threads else None
        if thread is None:
            return False
        task.unread = request.body.left > 0
        task.fd = request.give_away()
        _count(request)
        if self._limits.trace:
            log.line(TRACE.format(thread.worker, thread.number, "-", "queued"))
        thread.begin(task)
        return True

    def _full(self) -> bool:
        """Whether a task that has begun could find no thread to end it."""
        return bool(self._limits.most) and all(each.full() for each in self._threads)

    def _next(self, core: int) -> OffloadThread | None:
        for _ in self._threads:
            turn = self._turns.get(core, 0)
            self._turns[core] = (turn + 1) % self._count
            if not self._threads[turn].full():
                return self._threads[turn]
        return None

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until the tasks have ended; no core may hand over any more."""
        # Departure: uWSGI cuts all transfers of a worker that ends, even of a graceful end.
        until = None if timeout is None else time.monotonic() + timeout
        threads, self._threads = self._threads, []
        for each in threads:
            each.finish()
        for each in threads:
            each.thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(each.thread.is_alive() for each in threads)


def _count(request: Request) -> None:
    request.core.offloaded += 1
    request.via = "offload"


def configured(
    config: Config, worker: int = 1, rows: list[ThreadRow] | None = None
) -> OffloadThreads | None:
    """Build the threads of one worker, if there shall be any; `start` starts them."""
    count = config[OFFLOAD_THREADS]
    if not count:
        return None
    limits = Limits(
        config[OFFLOAD_IDLE_TIMEOUT],
        config[OFFLOAD_TIMEOUT],
        config[OFFLOAD_LIMIT],
        config[OFFLOAD_TRACE],
    )
    return OffloadThreads(count, worker, limits, rows)
