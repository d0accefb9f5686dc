"""The straight way: sessions that wait for nothing but the answer of their node.

Section:  ground / gateways; the straight way
What:     most requests come in one piece and are answered at once.  Such a session needs no task:
          it goes as far as it can when its client arrives, and the loop calls it when the node
          speaks.  It becomes a task as soon as there is something to wait for, or to mind.

              arrives --> packet, node, sent --> node speaks --> passed on, closed
                 |                                    |
                 +-- a part is missing                +-- the client does not take all of it
                 +-- there is a body                  +-- the node takes its time
                 +-- the node is not reached
                 v                                    v
                 the steps of a task, which go on from there

Units:    seconds.
Errors:   none of its own.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from socket import SocketType
from typing import Any, Final, Protocol

from refuwsgi.loop import READ, Loop, sleep
from refuwsgi.waiting import END, copies

NODE_SPEAKS: Final = READ | END
PATIENCE: Final = 0.2  # how long a session goes unminded: no timeout, no look at its client

Steps = Coroutine[Any, Any, None]

# Begins a session with the client that has a descriptor, and closes it.  It may block: each call
# says that it does not want to (NOW), for to tell the kernel once would be a call more.
Serve = Callable[[int, Any, "Straight"], None]


class Waiting(Protocol):
    """A session that is on the straight way."""

    since: float  # when it began to wait

    def patiently(self) -> Steps:
        """Leave the straight way: the steps that are left, for a task."""

    def task_ended(self) -> None:
        """The task has come to its end."""

    def close(self) -> None:
        """Close what the session has opened."""


class Patience(Exception):
    """What a client asks for is not plain: it takes a session."""


class Errand(ABC):
    """A plain request that a node has, and whose client waits."""

    __slots__ = ("client", "fd", "handle", "node", "received", "sent", "since", "straight",
                 "target")  # fmt: skip

    since: float
    straight: Straight
    client: int
    handle: SocketType  # of the client
    target: Any
    node: SocketType
    fd: int  # its descriptor
    sent: int  # to the node
    received: int  # from it
    ended: Callable[[Any, int, int], None] | None  # keeps the books of targets; a static method

    def close(self) -> None:
        """Close what was opened, and have it put into the books; the errand is over."""
        straight, node = self.straight, self.node
        del straight.waiting[self]
        os.close(self.client)
        if copies.exist:
            straight.close(node)
        else:  # the same, at once
            node.close()
            straight.forget(self.fd)
        if self.ended is not None:
            self.ended(self.target, self.received, self.sent)
        straight.sessions -= 1
        if straight.leaving:
            straight.leave()

    @abstractmethod
    def patiently(self) -> Steps:
        """Go on as a task."""

    @abstractmethod
    def task_ended(self) -> None:
        """The task has come to its end."""


class Straight:
    """Those sessions of a gateway that are no tasks."""

    def __init__(self, loop: Loop) -> None:
        self.sessions = 0  # clients that are being served, by tasks or without
        self.leaving = False  # the gateway goes when the last of them is over
        self.watch, self.unwatch, self.forget = loop.watch, loop.unwatch, loop.forget
        self.calls, self.add = loop.calls, loop.add
        self._loop = loop
        self.waiting: dict[Waiting, None] = {}  # the longest first
        self.minded = False
        self._then = self.ended  # made once: each task would keep one of its own

    def ended(self) -> None:
        """A session is over."""
        self.sessions -= 1
        if self.leaving:
            self.leave()

    def leave(self) -> None:
        """Let the gateway go if the last session is over."""
        if not self.sessions:
            self._loop.stop()

    def wait(self, visit: Waiting) -> None:
        """Mind a session that waits for a call of the loop, from now on."""
        self.waiting[visit] = None
        if not self.minded:
            self.mind()

    def mind(self) -> None:
        """Begin to look whether those who wait do so too long."""
        self.minded = True
        self._loop.spawn(self._mind())

    def part(self, visit: Any) -> bool:
        """Mind a session no more; False when it was not minded."""
        return self.waiting.pop(visit, self) is None

    def close(self, sock: SocketType) -> None:
        """Close a socket that is watched."""
        fd = sock.fileno()
        if copies.exist:  # the kernel would not know that it is closed
            self.unwatch(fd)
            sock.close()
        else:
            sock.close()
            self.forget(fd)

    def turn(self, visit: Waiting) -> None:
        """Let a session become a task."""
        self.waiting.pop(visit, None)
        self._loop.spawn(visit.patiently(), visit.task_ended)

    def task(self, steps: Steps) -> None:
        """Have a session that never was on the straight way."""
        self._loop.spawn(steps, self._then)

    async def _mind(self) -> None:
        while self.waiting:
            await sleep(PATIENCE)
            late = time.monotonic() - PATIENCE
            for visit in list(self.waiting):
                if visit.since > late:
                    break
                self.turn(visit)
        self.minded = False

    def end(self) -> None:
        """End the sessions that are left."""
        for visit in list(self.waiting):
            visit.close()
