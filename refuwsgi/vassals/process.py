"""The process of a vassal as its emperor sees it: a pid, a pipe, and what it has been told.

Section: vassals / On demand vassals (socket activation); the process of a vassal
What: starts it, listens to it, gives it orders, and ends it without asking when it does not end
      in time or no longer sends the heartbeats that it began to send.
Units: seconds; moments are monotonic, 0 means never.
Errors: `OSError` when it cannot be started.  After that nothing: a process that is gone is reaped.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from refuwsgi import imperial_config, log
from refuwsgi.loop import Loop, Task, readable
from refuwsgi.streams import send_all
from refuwsgi.vassals import emperor_pipe, spawn
from refuwsgi.vassals.emperor_pipe import Order
from refuwsgi.vassals.scan import Found

DEAF = 5.0  # how long a stop waits at most for a vassal that is still starting
SETTLED = 1.0  # a vassal that was initialised so long ago hears


def tell(text: str) -> None:
    """Log a line of the emperor's, with the time in front, as operators' scripts expect it."""
    log.dated(f"[emperor] {text}")


class Customs(NamedTuple):
    """How an emperor treats all its vassals."""

    binary: spawn.Binary = spawn.Binary()
    backlog: int = 100
    graceful: bool = False
    tyrant: bool = False
    tolerance: float = 30.0
    required_heartbeat: float = 30.0
    warm: Callable[[Sequence[str]], int] | None = None  # our own main
    vacuum: bool = False
    start_hook: str | None = None
    stop_hook: str | None = None


class Process:
    """A running vassal."""

    def __init__(
        self, loop: Loop, customs: Customs, name: str, hear: Callable[[int], None]
    ) -> None:
        self.pid = -1
        self.cursed = 0.0  # seconds since the epoch, for the stats
        self._loop = loop
        self._customs = customs
        self._name = name
        self._hear = hear
        self._started = self._doomed = self._beat = self._ready = 0.0
        self._accepting = False
        self._unsaid: Order | None = None  # for one that cannot hear yet
        self._pipe, self._theirs = socket.socketpair()
        self._config: socket.socket | None = None
        self._reader: Task | None = None

    def start(self, found: Found, stdin: int) -> None:
        """Start it, with `stdin` as descriptor 0."""
        theirs: socket.socket | None = None
        try:
            packet = None if found.config is None else imperial_config.packet(found.config)
            if packet is not None:
                self._config, theirs = socket.socketpair()
                self._config.setblocking(False)
            self._pipe.setblocking(False)
            self.pid = spawn.launch(
                spawn.Launch(
                    self._customs.binary,
                    found,
                    stdin,
                    self._theirs.fileno(),
                    theirs.fileno() if theirs else -1,
                    (found.uid, found.gid) if self._customs.tyrant else None,
                    self._customs.warm,
                    self._customs.start_hook,
                )
            )
        except OSError:
            self.close()
            raise
        finally:
            self._theirs.close()
            if theirs is not None:
                theirs.close()
        self._started = time.monotonic()
        self._reader = self._loop.spawn(self._read())
        if packet is not None:
            self._push(packet)

    def close(self) -> None:
        """Let go of the pipes, after hearing what is still in them."""
        if self._reader is not None:
            self._loop.end(self._reader)
            self._reader = None
            for byte in self._said():
                self._take(byte)
        for end in (self._pipe, self._config):
            if end is not None:
                end.close()

    # -- listening -----------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            await readable(self._pipe)
            said = self._said()
            for byte in said:
                self._take(byte)
            if not said:
                break
        tell(f"curse the uwsgi instance {self._name} (pid: {self.pid})")
        self.expect_the_end()

    def _said(self) -> bytes:
        try:
            return self._pipe.recv(64)
        except OSError:
            return b""

    def _take(self, byte: int) -> None:
        now = time.monotonic()
        if byte == emperor_pipe.SPAWNED:
            self._ready = now
        elif byte == emperor_pipe.BEAT:
            self._beat = now
        elif byte == emperor_pipe.ACCEPTING:
            self._accepting = True
            if self._unsaid is not None:
                self.say(self._unsaid)
        self._hear(byte)

    def send_config(self, config: bytes) -> None:
        """Send the config to a vassal that asks for it, for it reloads."""
        # Departure: C sends it with the order to reload as well, and the second copy is what the
        # next reload reads.
        try:
            self._push(imperial_config.packet(config))
        except imperial_config.ConfigError as error:
            tell(f"{self._name}: {error}")

    def _push(self, packet: bytes) -> None:
        if self._config is not None:
            self._loop.spawn(_send(self._config, packet))

    # -- giving orders -------------------------------------------------------------------------

    def say(self, order: Order) -> None:
        """Give an order at once."""
        self._unsaid = None
        try:
            self._pipe.send(bytes((order,)))
        except OSError:
            pass  # it is gone: its end has been seen, or will be

    def end(self, order: Order) -> None:
        """Give the order to end, as soon as it will be heard."""
        self.expect_the_end()
        # Departure: C tells a vassal that is still starting; its workers miss the order and are
        # killed after half a minute.
        if self._hears(time.monotonic()):
            self.say(order)
        else:
            self._unsaid = order

    def _hears(self, now: float) -> bool:
        if self._accepting or now - self._started > DEAF:
            return True
        return bool(self._ready) and now - self._ready > SETTLED

    def expect_the_end(self) -> None:
        """Kill it if it has not ended when the tolerance has passed."""
        self.cursed = self.cursed or time.time()
        self._doomed = self._doomed or time.monotonic() + self._customs.tolerance

    def tick(self, now: float) -> None:
        """Look at the clock, about once a second."""
        required = self._customs.required_heartbeat
        if self._unsaid is not None and self._hears(now):
            self.say(self._unsaid)
        if self._doomed and now > self._doomed:
            tell(f"NO MERCY for vassal {self._name} !!!")
            self.kill()
        elif self._beat and now - self._beat > required:
            tell(
                f"vassal {self._name} sent no heartbeat in last {required:.0f} seconds, "
                f"brutally respawning it..."
            )
            self._beat = 0.0
            self.kill()

    def kill(self) -> None:
        """End it without asking."""
        os.kill(self.pid, signal.SIGKILL)  # not reaped yet, so the pid is its own


async def _send(pipe: socket.socket, packet: bytes) -> None:
    """Send a config; a vassal that does not read it ends by itself."""
    try:
        await send_all(pipe, packet, imperial_config.PATIENCE)
    except OSError:  # TimeoutError is one
        pass
