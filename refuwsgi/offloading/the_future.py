"""Tasks that an application programs: a software DMA that then goes alone.

Section:  offloading / The Future
What:     an application calls start_response, says what a thread shall do for its client, and
          returns an empty answer; the worker is free.

              start_response("200 OK", [("Content-Type", "video/mp4")])
              program(chain(memory(b"intro"), file("film.mp4", 100, 5000)))
              return []

          `uwsgi.offload(name)` is the short form for a file, as uWSGI has planned it.  A task of
          one's own is an object with the two methods of `engines.Engine`.
Units:    sizes and positions are bytes, timeouts seconds.
Errors:   ValueError without offload threads, or without a request; `OSError` for a file that
          cannot be opened.  What fails later is in `Programmed.failure` and in the log.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

from refuwsgi import address, api
from refuwsgi.loop import Loop
from refuwsgi.offloading.engines import (
    ChainEngine,
    Client,
    Engine,
    FileEngine,
    MemoryEngine,
    PipeEngine,
    RelayEngine,
)
from refuwsgi.offloading.one_thread import Offloaded
from refuwsgi.request import Request

ALL = 1 << 62  # bytes; as many as the head allows

# How a task that somebody follows is handed over: OffloadThreads.program.
Program = Callable[[Offloaded, Request], bool]


def file(name: str | bytes, start: int = 0, length: int | None = None) -> FileEngine:
    """Make the task that sends a file, or a part of it."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    rest = max(0, os.fstat(fd).st_size - start)
    return FileEngine(fd, start, rest if length is None else min(length, rest))


def memory(data: bytes) -> MemoryEngine:
    """Make the task that sends bytes."""
    return MemoryEngine(data)


def relay(node: str, first: bytes = b"", timeout: float | None = None) -> RelayEngine:
    """Make the task that connects to a node, says `first`, and lets it talk with the client.

    The node makes the whole answer, its head too: call it without start_response.
    """
    return RelayEngine(address.parse(node), first, timeout=timeout)


def pipe(fd: int, length: int | None = None) -> PipeEngine:
    """Make the task that sends what comes out of a descriptor; the task closes it."""
    return PipeEngine(fd, length)


def chain(*tasks: Engine) -> ChainEngine:
    """Make one task of several."""
    return ChainEngine(*tasks)


class Programmed(Offloaded):
    """A task that a thread has, as its application sees it."""

    __slots__ = ("_changed", "_out", "_watched")

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._changed = threading.Condition()
        self._out = -1
        self._watched = -1

    def ended(self) -> None:
        """Tell those who wait; the thread calls it."""
        with self._changed:
            super().ended()
            self._changed.notify_all()
            if self._out >= 0:
                os.close(self._out)  # the other end becomes readable
                self._out = -1

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until it has ended, and say whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self.over, timeout)

    def fileno(self) -> int:
        """A descriptor that becomes readable when it has ended; the task closes it."""
        with self._changed:
            if self._watched < 0:
                self._watched, self._out = os.pipe()
                if self.over:
                    os.close(self._out)
                    self._out = -1
            return self._watched

    def cancel(self) -> None:
        """Have it ended where it is; the client sees a reset connection."""
        if self.thread is not None:
            self.thread.cancel(self)

    def __del__(self) -> None:
        for fd in (self._watched, self._out):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)


class Future:
    """What the applications of a worker may ask of its threads."""

    def __init__(self, program: Program | None) -> None:
        self._program = program

    def program(self, engine: Engine) -> Programmed:
        """Have a thread do this for the client of the running request."""
        answer = api.running.answer
        if self._program is None or answer is None or answer.request.offload is None:
            engine.close()
            raise ValueError("offloading needs a request and --offload-threads")
        request: Request = answer.request
        if not answer.begun:
            answer.sent = True  # the task makes the head, too
        elif not answer.sent:
            head = MemoryEngine(answer.take_head())
            if answer.room_for(ALL):
                engine = ChainEngine(head, engine)
            else:  # a HEAD request, a 304: there is no more to be said
                engine.close()
                engine = head
        task = Programmed(engine)
        if not self._program(task, request):
            _run_here(task, request)
        return task

    def offload(self, name: str | bytes, length: int | None = None) -> bytes:
        """Send a file, as `uwsgi.offload(name)`: what it returns is an empty answer."""
        self.program(file(name, 0, length))
        return b""


def _run_here(task: Programmed, request: Request) -> None:
    """Do it in the core: every thread has as much as it may have."""
    client = Client(os.dup(request.fd), request.timeout)
    client.setblocking(False)
    request.keep = False

    async def run() -> None:
        try:
            await task.engine.run(client)
            task.failure = client.failure
        except OSError as problem:
            task.failure = problem.strerror or str(problem)
        finally:
            task.engine.close()
            client.close()
            task.ended()

    loop = Loop()
    loop.spawn(run())
    loop.run()
    loop.close()


_future = [Future(None)]  # of this worker


def program(task: Engine) -> Programmed:
    """Have a thread do this for the client of the running request."""
    return _future[0].program(task)


def install(program: Program | None) -> None:
    """Give the applications of this worker their threads: `OffloadThreads.program`, or None."""
    # Departure: uWSGI has the name, and a body that does nothing.
    _future[0] = Future(program)
    api.provide("offload", _future[0].offload)
