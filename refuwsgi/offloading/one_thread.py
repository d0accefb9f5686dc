"""One offload thread: a loop, a mailbox, its clients.

Section:  offloading / The uWSGI offloading subsystem; one thread
What:     turns a loop in which every client has a coroutine of its own.  Hundreds that do not
          read cost a descriptor or two each, and no time.

              mailbox: begin ---> engine.run(client) ... ---> engine.close(), client.close()
                       cancel --> ends it where it sleeps
                       finish --> no more; the thread ends with its last client

Units:    timeouts are seconds.
Errors:   a client or a node that fails ends its task, with one line in the log and a reset
          connection, so that nobody takes a part for the whole.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.loop import Loop, Task, sleep
from refuwsgi.mailbox import Mailbox
from refuwsgi.offloading.engines import Client, Engine
from refuwsgi.scoreboard import Row, Word
from refuwsgi.streams import receive

FAILED = "offload thread {} of worker {}: {} ended early: {}"
TRACE = "[offload] worker {} thread {} task {}: {}"

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what was not sent is dropped, the peer sees a reset
LINGER = 2.0  # seconds that a client may go on sending what nobody reads
OUT_OF_TIME = "timed out"
BEGIN, CANCEL, FINISH = "begin", "cancel", "finish"


class ThreadRow(Row):
    """What one thread counts; it alone writes here, everybody may read."""

    __slots__ = ()
    SIZE = 8
    taken = Word(0)  # tasks that it began
    ended = Word(1)  # tasks that are over, however they ended
    failed = Word(2)  # of these, those that ended early
    late = Word(3)  # of these, those that ran out of time
    octets = Word(4)  # bytes that the clients of ended tasks got


class Limits:
    """How long tasks may take and how many a thread may have."""

    __slots__ = ("idle", "most", "total", "trace")

    def __init__(
        self,
        idle: float | None = None,
        total: float | None = None,
        most: int = 0,
        trace: bool = False,
    ) -> None:
        self.idle = idle
        self.total = total
        self.most = most
        self.trace = trace


class Offloaded:
    """A task on its way: what is to be done, for whom, and what became of it."""

    __slots__ = (
        "client",
        "engine",
        "failure",
        "fd",
        "number",
        "over",
        "steps",
        "thread",
        "unread",
        "watch",
    )

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.fd = -1  # the client, until the thread has it
        self.unread = False  # the client may still be sending a body
        self.number = 0
        self.failure = "ended by an error"  # until something else becomes known
        self.over = False
        self.thread: OffloadThread | None = None
        self.client: Client | None = None  # the thread's, as the next two
        self.steps: Task | None = None
        self.watch: Task | None = None

    def ended(self) -> None:
        """Learn that the thread has done; the_future.py has more to do then."""
        self.over = True


class OffloadThread:
    """A thread: a loop that turns while there are clients, and waits for tasks otherwise."""

    def __init__(self, number: int, worker: int, limits: Limits, row: ThreadRow) -> None:
        self.number = number
        self.worker = worker
        self.row = row
        self._limits = limits
        self._mailbox: Mailbox[tuple[str, Offloaded | None]] = Mailbox()
        self._loop = Loop()
        self._loop.spawn(self._take())
        self.thread = threading.Thread(target=self._live, name=f"offload {number}", daemon=True)

    def start(self) -> None:
        """Start it, with all signals blocked: they are the main thread's business."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.thread.start()  # it inherits what is blocked
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def begin(self, task: Offloaded) -> None:
        """Hand a task over; any core may."""
        task.thread = self
        self._mailbox.put((BEGIN, task))

    def cancel(self, task: Offloaded) -> None:
        """Have a task ended; any core may."""
        self._mailbox.put((CANCEL, task))

    def finish(self) -> None:
        """Let the thread end when its present tasks have."""
        self._mailbox.put((FINISH, None))

    def full(self) -> bool:
        """Say whether it has as many tasks as it may."""
        most = self._limits.most
        return bool(most) and self.row.taken - self.row.ended + len(self._mailbox) >= most

    def _live(self) -> None:
        try:
            self._loop.run()
        finally:
            self._loop.close()
            self._mailbox.close()

    async def _take(self) -> None:
        while True:
            order, task = await self._mailbox.get()
            if task is None:
                return
            if order == BEGIN:
                self._begin(task)
            else:
                self._end(task, "cancelled")
            del task  # nothing of it stays here while we sleep

    def _begin(self, task: Offloaded) -> None:
        self.row.taken += 1
        task.number = self.row.taken
        client = Client(task.fd, self._limits.idle, self._note_of(task))
        task.client = client
        task.steps = self._loop.spawn(self._serve(task, client))

    def _end(self, task: Offloaded, reason: str) -> None:
        """End a task where it sleeps."""
        if task.over or task.steps is None:
            return
        task.failure = reason
        self._loop.end(task.steps)
        if not task.over and task.client is not None:  # it had not taken its first step
            self._close(task, task.client)

    async def _serve(self, task: Offloaded, client: Client) -> None:
        try:
            client.setblocking(False)
            if self._limits.total is not None:
                task.watch = self._loop.spawn(self._watch(task, self._limits.total))
            await task.engine.run(client)
            task.failure = client.failure
            if task.unread:
                await linger(client)
        except OSError as problem:
            task.failure = problem.strerror or str(problem) or OUT_OF_TIME
            self.row.late += isinstance(problem, TimeoutError)
        finally:
            self._close(task, client)

    async def _watch(self, task: Offloaded, seconds: float) -> None:
        await sleep(seconds)
        task.watch = None
        self.row.late += 1
        self._end(task, OUT_OF_TIME)

    def _close(self, task: Offloaded, client: Client) -> None:
        if task.watch is not None:
            self._loop.end(task.watch)
        task.engine.close()
        if task.failure and not client.failure:
            with contextlib.suppress(OSError):  # the client may have gone
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        self.row.octets += client.sent
        self.row.failed += bool(task.failure)
        self.row.ended += 1
        if task.failure:
            kind = type(task.engine).__name__
            log.line(FAILED.format(self.number, self.worker, kind, task.failure))
        elif client.note is not None:
            client.note(f"done, {client.sent} bytes")
        task.steps = task.client = None
        task.ended()

    def _note_of(self, task: Offloaded) -> Callable[[str], None] | None:
        if not self._limits.trace:
            return None

        def note(text: str) -> None:
            log.line(TRACE.format(self.worker, self.number, task.number, text))

        note(f"{type(task.engine).__name__} begins")
        return note


async def linger(client: Client) -> None:
    """Read what the client is still sending: closed at once, it might lose the answer."""
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        until = time.monotonic() + LINGER
        while (left := until - time.monotonic()) > 0 and await receive(client, timeout=left):
            pass
