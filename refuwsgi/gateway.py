"""A gateway: a process that is neither master nor worker, and hands requests on.

Section:  ground / gateways
What:     accepts on its listeners and begins a session for each client, which may become a task;
          beside them run the tasks that its kind needs (subscriptions, stats).  What a session does
          comes in from above.

              SIGINT SIGQUIT SIGTERM   end at once
              SIGRTMIN+1 (`DRAIN`)     accept no more, finish what runs, end
              SIGHUP and others        nothing, as uWSGI has it
              the master has gone      end at once

Units:    seconds.
Errors:   an exception ends the session it happened in; the loop writes the traceback.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from refuwsgi.gateway_straight import Serve, Steps, Straight
from refuwsgi.loop import READ, Loop, Task, readable, sleep
from refuwsgi.processes import starter
from refuwsgi.streams import accept

ORPHANED: Final = 0.5  # between two looks at who our parent is
DRAIN: Final = getattr(signal, "SIGRTMIN", 34) + 1  # from our master: finish, then go
TAKE: Final = "_accept"  # what accept() calls, before it wraps a socket and translates numbers
GARBAGE: Final = 20_000  # objects that have come to stay before those are looked for that do not
MERCY: Final = 60.0  # how long running sessions may take to end when it drains
IGNORED: Final = (
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTSTP,
    signal.SIGPIPE,
)


class GatewayProcess(NamedTuple):
    """What the master starts, and starts again when it dies."""

    name: str  # "uWSGI fastrouter 1"
    run: Callable[[], int]


class Gateway:
    """The loop of one gateway process."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        serve: Serve,
        *,
        tasks: Sequence[Callable[[Gateway], Steps]] = (),
        cheap: bool = False,
    ) -> None:
        self.cheap = cheap
        self.loop = Loop()
        self._listeners = listeners
        self.serve = serve
        self._tasks = tasks
        self.on_leaving: list[Callable[[], None]] = []  # to end sessions that only wait
        self._accepting: dict[int, socket.socket] = {}  # the listeners that are watched
        self._short: list[Task] = []  # one for each listener that waits for descriptors
        self.straight = Straight(self.loop)

    @property
    def sessions(self) -> int:
        """How many clients are being served."""
        return self.straight.sessions

    @property
    def leaving(self) -> bool:
        """Whether it only finishes what runs."""
        return self.straight.leaving

    def run(self) -> int:
        """Serve until a signal says that it is enough."""
        gc.set_threshold(GARBAGE)  # a table of nodes grows by what is no garbage
        self.loop.spawn(self._signals())
        self.loop.spawn(self._mind_master(starter()))
        for task in self._tasks:
            self.loop.spawn(task(self))
        if not self.cheap:
            self._accept()
        self.loop.run()
        self.straight.end()
        return 0

    def wake(self) -> None:
        """Leave cheap mode: accept clients."""
        self.cheap = False
        self._accept()

    def rest(self) -> None:
        """Go cheap: accept no client; those that are here are served to their end."""
        self.cheap = True
        self._accept_no_more()

    def _accept(self) -> None:
        if not self._accepting and not self.straight.leaving:
            for listener in self._listeners:
                self._open(listener)

    def _accept_no_more(self) -> None:
        for fd in self._accepting:
            self.loop.unwatch(fd)
        self._accepting.clear()
        for task in self._short:
            self.loop.end(task)
        self._short.clear()

    def _open(self, listener: socket.socket) -> None:
        """Take each client of one listener from now on."""
        take, serve, straight = _taker(listener), self.serve, self.straight

        def arrives(events: int) -> None:
            try:
                client, peer = take()
            except (BlockingIOError, ConnectionError):
                return  # another process was faster, or the client has gone
            except OSError:
                self._run_short(listener)
                return
            straight.sessions += 1  # first: whoever leaves must know of it
            try:
                serve(client, peer, straight)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(client)
                straight.ended()
                raise

        self._accepting[listener.fileno()] = listener
        self.loop.watch(listener.fileno(), READ, arrives)

    def _run_short(self, listener: socket.socket) -> None:
        """Stop looking at a listener until there are descriptors again."""
        del self._accepting[listener.fileno()]
        self.loop.unwatch(listener.fileno())

        async def patiently() -> None:
            client, peer = await accept(listener)  # which knows how to wait
            self._short.remove(task)
            self.straight.sessions += 1
            self.serve(client.detach(), peer, self.straight)
            self._open(listener)

        task = self.loop.spawn(patiently())
        self._short.append(task)

    # -- signals

    async def _signals(self) -> None:
        """Act on signals, which arrive as bytes, one number each."""
        ours, theirs = socket.socketpair()
        with contextlib.closing(ours), contextlib.closing(theirs):
            ours.setblocking(False)
            theirs.setblocking(False)
            signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                # At once: a node that ends by the same signal is no news for the clients.
                signal.signal(number, lambda *_: self.loop.stop())
            signal.signal(DRAIN, lambda *_: None)
            for number in IGNORED:
                signal.signal(number, signal.SIG_IGN)
            try:
                while True:
                    await readable(ours)
                    numbers = ours.recv(64)
                    if set(numbers) - {DRAIN}:
                        self.loop.stop()
                    elif numbers and not self.straight.leaving:
                        self.loop.spawn(self._leave())
            finally:
                signal.set_wakeup_fd(-1)  # a late signal would find a closed descriptor

    async def _leave(self) -> None:
        self.straight.leaving = True
        self._accept_no_more()
        for call in self.on_leaving:
            call()
        if self.straight.sessions:
            await sleep(MERCY)
        self.loop.stop()

    async def _mind_master(self, master: int) -> None:
        """End when the process that has started us does."""
        try:
            descriptor = os.pidfd_open(master)
        except (AttributeError, OSError):
            descriptor = -1  # it has gone already, or this system has no such thing
        while os.getppid() == master:
            if descriptor >= 0:
                await readable(descriptor)
            await sleep(ORPHANED)
        self.loop.stop()


def _taker(listener: socket.socket) -> Callable[[], tuple[int, Any]]:
    """Say how to accept a bare descriptor."""
    found: Callable[[], tuple[int, Any]] | None = getattr(listener, TAKE, None)
    if found is not None:
        return found

    def take() -> tuple[int, Any]:
        client, peer = listener.accept()
        return client.detach(), peer

    return take
