"""The event loop: many conversations in one thread.

Section:  ground / the loop
What:     a task is a coroutine.  It runs until it has to wait, hands the loop a `Wait` (which
          sockets, for how long) and sleeps.  The loop asks the kernel which sockets are ready
          and resumes the tasks that sleep on them.

              task ---- Wait ----> loop ---- select() ----> kernel
               ^                                              |
               +----------------- ready sockets --------------+

          Nothing here is asyncio.  The only `yield` of the whole package is in `wait`, so that
          every place where a task can lose control of the thread is an `await`.
          A socket is waited on by one task at a time; a task closes the sockets that it opened,
          in a `finally`.
Units:    timeouts are seconds; None waits for ever.
Errors:   an error ends its task, with a traceback in the log, never the loop.
"""

from __future__ import annotations

import heapq
import itertools
import math
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from socket import SocketType
from time import monotonic
from typing import Any, Final, NamedTuple

from refuwsgi import log
from refuwsgi.waiting import AT_ONCE, END, Selector, choose, copies

READ, WRITE = EVENT_READ, EVENT_WRITE
Source = SocketType | int  # an int is a bare descriptor, such as a pidfd
Ready = list[Source | tuple[Source, int]]


class Wait(NamedTuple):
    """What a task sleeps for.  Waiting again for the same costs no system call.

    With `READ | END` it also hears, where the kernel tells, when the peer has said everything: the
    pair (socket, END) is ready, too; a read that does not fill its buffer was the last.
    """

    interests: tuple[tuple[Source, int], ...]
    timeout: float | None = None


@types.coroutine
def wait(wanted: Wait) -> Generator[Wait, Ready | None, Ready]:
    """Sleep until a socket of `wanted` is ready, and return those that are.

    Raises TimeoutError when none is ready in time.
    """
    ready = yield wanted
    if not ready:
        raise TimeoutError("timed out")
    return ready


async def readable(sock: Source, timeout: float | None = None) -> None:
    """Sleep until `sock` has bytes, a connection or an end of file to give."""
    await wait(Wait(((sock, READ),), timeout))


async def writable(sock: Source, timeout: float | None = None) -> None:
    """Sleep until `sock` takes bytes, or its connect() has come to an end."""
    await wait(Wait(((sock, WRITE),), timeout))


async def sleep(seconds: float) -> None:
    """Sleep until `seconds` have passed."""
    try:
        await wait(Wait((), seconds))
    except TimeoutError:
        pass


NOTHING: Final = Wait(())
ENDED: Final = END | 8  # with EPOLLERR it was no end but a failure, which a read will tell
NEVER: Final = math.inf
FEW: Final = 64  # timers that nobody waits for are not worth sweeping


class Task:
    """A coroutine, and what the loop remembers about it."""

    __slots__ = ("alarm", "deadline", "queued", "ready", "steps", "then", "waiting")

    def __init__(
        self, steps: Coroutine[Any, Any, None], then: Callable[[], None] | None = None
    ) -> None:
        self.steps = steps
        self.then = then
        self.waiting = NOTHING
        self.deadline = NEVER  # when its present wait runs out
        self.alarm = NEVER  # when the timer that the loop keeps for it fires
        self.ready: Ready | None = None
        self.queued = False

    def __repr__(self) -> str:
        return str(getattr(self.steps, "__qualname__", self.steps))


class Loop:
    """Runs tasks until there are none."""

    def __init__(self, selector: Selector | None = None) -> None:
        self.tasks: set[Task] = set()
        self._selector = selector = choose() if selector is None else selector
        # For what is called whenever a descriptor is ready.  It must not wait; a task costs more.
        self.watch, self.unwatch, self.forget = selector.watch, selector.unwatch, selector.forget
        self.calls, self.add = selector.watched, selector.add  # as `watch`, in two steps
        self._ready = selector.poll
        self._runnable: deque[Task] = deque()
        self._timers: list[tuple[float, int, Task]] = []
        self._stale = 0  # how many of the timers nobody waits for any more
        self._tiebreak = itertools.count()
        self._stopped = False
        self._spawned = 0  # tasks that the running step has started
        self._hear = self._heard  # made once: each that waits would keep one of its own

    def spawn(
        self, steps: Coroutine[Any, Any, None], then: Callable[[], None] | None = None
    ) -> Task:
        """Start a task: it takes its first step on the next turn of the loop.

        `then` is called when it has ended, however it did.
        """
        task = Task(steps, then)
        self.tasks.add(task)
        task.queued = True
        self._runnable.append(task)
        self._spawned += 1
        return task

    def end(self, task: Task) -> None:
        """Stop a task where it sleeps; its `finally` blocks run.  Not for the running task."""
        self.tasks.discard(task)
        self._forget(task)  # first: what its `finally` closes could not be found any more
        try:
            task.steps.close()
            if task.then is not None:
                task.then()
        except Exception:
            log.exception(f"a task ended badly: {task}")
        task.deadline = NEVER
        if task.alarm < NEVER:
            task.alarm = NEVER
            self._sweep()

    def run(self) -> None:
        """Turn until the last task has ended, or `stop` was called."""
        self._stopped = False
        while self.tasks and not self._stopped:
            if self._runnable:
                self._run_tasks()
                if self._stopped or not self.tasks:
                    break
            self._poll()
        while self.tasks:
            self.end(next(iter(self.tasks)))

    def stop(self) -> None:
        """Let `run` return after the present turn; tasks that are left are ended.  For tasks."""
        self._stopped = True

    def close(self) -> None:
        """Give the selector's descriptor back; the loop cannot run again."""
        self._selector.close()

    def _wake(self, task: Task) -> None:
        if not task.queued:
            task.queued = True
            self._runnable.append(task)

    def _run_tasks(self) -> None:
        # Only those that are queued now, lest one that always has more to do keeps the others from
        # hearing the kernel; and the first steps of those that they spawn, which spares a look.
        left = len(self._runnable)
        while left:
            left -= 1
            task = self._runnable.popleft()
            if task not in self.tasks:
                continue  # ended while it stood in the queue
            ready, task.ready, task.queued = task.ready, None, False
            if copies.exist:
                self._forget(task)
            self._spawned = 0
            try:
                wanted = task.steps.send(ready)
                if wanted is not task.waiting or wanted.timeout is not None:
                    self._sleep(task, wanted)
                left += self._spawned
            except StopIteration:
                self.end(task)
            except Exception:
                log.exception(f"a task ended by an error: {task}")
                self.end(task)

    def _sleep(self, task: Task, wanted: Wait) -> None:
        while wanted is not task.waiting:
            registered = 0
            try:
                if wanted.interests != task.waiting.interests:
                    if task.waiting is not NOTHING:
                        self._forget(task)
                    for sock, events in wanted.interests:
                        self._selector.register(sock, events, partial(self._hear, task, sock))
                        registered += 1
                task.waiting = wanted
            except (OSError, ValueError, KeyError) as problem:
                # A socket that cannot be waited for: it is the task that should know.
                for sock, _ in wanted.interests[:registered]:
                    self._selector.unregister(sock)
                wanted = task.steps.throw(problem)
        if wanted.timeout is None:
            task.deadline = NEVER
            return
        # One live timer for each task.  A deadline that moves away, as with each chunk of a relay,
        # leaves it alone: when it fires, _expire arms it again for the time that is left.
        task.deadline = monotonic() + wanted.timeout
        if task.deadline < task.alarm:
            self._arm(task)

    def _arm(self, task: Task) -> None:
        if task.alarm < NEVER:
            self._sweep()
        task.alarm = task.deadline
        heapq.heappush(self._timers, (task.alarm, next(self._tiebreak), task))

    def _sweep(self) -> None:
        """Count a timer that nobody waits for; throw them out when they are the majority."""
        self._stale += 1
        if self._stale > FEW and self._stale * 2 > len(self._timers):
            self._timers = [timer for timer in self._timers if timer[0] == timer[2].alarm]
            heapq.heapify(self._timers)
            self._stale = 0

    def _forget(self, task: Task) -> None:
        for sock, _ in task.waiting.interests:
            try:
                self._selector.unregister(sock)  # finds a closed socket, too
            except (KeyError, ValueError):
                pass  # its registration had failed
        task.waiting = NOTHING

    def _poll(self) -> None:
        timeout = None
        if self._timers:
            alarm, _, sleeper = self._timers[0]
            if alarm != sleeper.alarm:
                alarm = self._next_alarm()
            if alarm <= (now := monotonic()):
                self._expire(now)
                alarm = self._next_alarm()
            if alarm < NEVER:
                timeout = alarm - now
        # A call closes nothing that is waited for but its own: no number changes hands meanwhile.
        watched = self.calls
        for fd, events in self._ready(0.0 if self._runnable else timeout, AT_ONCE):
            found = watched.get(fd)
            if found is not None:
                try:
                    found(events)
                except Exception:
                    log.exception(f"a call of the loop ended by an error: {found}")

    def _heard(self, task: Task, source: Source, events: int) -> None:
        """Resume a task that sleeps on this socket."""
        if task.ready is None:
            task.ready = []
            self._wake(task)
        task.ready.append(source)
        if events & ENDED == END:
            task.ready.append((source, END))

    def _next_alarm(self) -> float:
        """When a timer fires that somebody waits for."""
        timers = self._timers
        while timers and timers[0][0] != timers[0][2].alarm:
            heapq.heappop(timers)
            self._stale -= 1
        return timers[0][0] if timers else NEVER

    def _expire(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            fired, _, task = heapq.heappop(self._timers)
            if fired != task.alarm:
                self._stale -= 1  # an earlier deadline took its place, or the task has ended
                continue
            task.alarm = NEVER
            if task.deadline <= now:
                self._wake(task)
            elif task.deadline < NEVER:
                self._arm(task)
