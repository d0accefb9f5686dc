"""One vassal: its record, what feeds the table of its life, and the deeds that the table names.

Section: vassals / On demand vassals (socket activation); one vassal
What: a crossroads.  The scan, the socket, the pipe, the child and the clock bring events; the table
      in lifecycle.py says what follows; the methods named in `DEEDS` do it.
Units: the moments of the record are seconds since the epoch, for the stats.
Errors: a vassal that cannot be started counts as one that died.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from refuwsgi import log
from refuwsgi.loop import READ, Loop, Task, Wait, sleep, wait
from refuwsgi.vassals import emperor_pipe, hooks, lifecycle, own_socket
from refuwsgi.vassals.announce import Herald
from refuwsgi.vassals.emperor_pipe import Order
from refuwsgi.vassals.lifecycle import Do, Event, State
from refuwsgi.vassals.on_demand import Door, SocketError, open_door
from refuwsgi.vassals.process import Customs, Process, tell
from refuwsgi.vassals.scan import Found
from refuwsgi.vassals.throttle import Blacklist


class Realm:
    """What all vassals of an emperor share."""

    def __init__(
        self, loop: Loop, customs: Customs, blacklist: Blacklist, herald: Herald | None = None
    ) -> None:
        self.loop = loop
        self.customs = customs
        self.blacklist = blacklist
        self.herald = herald
        self.living: dict[int, Vassal] = {}  # by pid
        self.resting: set[Vassal] = set()  # plain ones that the next scan starts
        self.held: set[Vassal] = set()
        self.look_soon: Callable[[], None] = _nothing
        self._clock: Task | None = None

    def enlist(self, pid: int, vassal: Vassal) -> None:
        """Note that a vassal has a process now; the clock runs while one has."""
        self.living[pid] = vassal
        if self._clock is None:
            self._clock = self.loop.spawn(self._watch_the_clock())

    async def _watch_the_clock(self) -> None:
        while self.living:
            await sleep(1.0)
            now = time.monotonic()
            for vassal in list(self.living.values()):
                if vassal.process is not None:
                    vassal.process.tick(now)
        self._clock = None


def _nothing() -> None:
    """Stand in for a deed where there is none."""


class Vassal:
    """A vassal, whether it has a process or not."""

    # There may be thousands, nearly all of them asleep.
    __slots__ = (
        "_watcher",
        "accepting",
        "born",
        "door",
        "first_run",
        "found",
        "last_accepting",
        "last_heartbeat",
        "last_loyal",
        "last_ready",
        "last_run",
        "loyal",
        "monitor",
        "name",
        "process",
        "ready",
        "realm",
        "respawns",
        "state",
        "wakes",
    )

    def __init__(self, realm: Realm, found: Found, monitor: str, door: Door | None) -> None:
        self.realm = realm
        self.found = found
        self.name = found.name
        self.born = found.modified  # uWSGI: the time of its config when it was added
        self.monitor = monitor
        self.door = door
        self.state = State.ASLEEP
        self.process: Process | None = None
        self.loyal = self.ready = self.accepting = False
        self.last_loyal = self.last_ready = self.last_accepting = self.last_heartbeat = 0.0
        self.first_run = self.last_run = 0.0
        self.respawns = self.wakes = 0
        self._watcher: Task | None = None

    def feed(self, event: Event) -> None:
        """Take an event in."""
        self.state, do = lifecycle.step(self.state, event)
        DEEDS[do](self)

    def settle(self) -> None:
        """Begin: watch the socket, or wait for the scan to start it."""
        if self.door is None:
            self.realm.resting.add(self)
        else:
            self._watch(self.door, '"on demand" instance detected')

    # -- the socket ----------------------------------------------------------------------------

    def _watch(self, door: Door, why: str) -> None:
        log.line(
            f"[uwsgi-emperor] {self.name} -> {why}, "
            f'waiting for connections on socket "{door.name}" ...'
        )
        self._watcher = self.realm.loop.spawn(self._wake(door))
        if self.realm.herald is not None:
            self.realm.herald.announce(self.name, door.sock)

    async def _wake(self, door: Door) -> None:
        await wait(Wait(((door.sock, READ),)))  # as readable() does, with one frame less to keep
        self._watcher = None
        self.wakes += 1
        # Beyond: C starts it without a word.
        log.line(f'[uwsgi-emperor] {self.name} -> woken by a connection on "{door.name}"')
        self.feed(Event.WAKE)

    # -- the process ---------------------------------------------------------------------------

    def _spawn(self) -> None:
        try:
            process = Process(self.realm.loop, self.realm.customs, self.name, self._hear)
            process.start(self.found, self.door.sock.fileno() if self.door else -1)
        except OSError as error:
            tell(f"unable to start vassal {self.name}: {error}")
            self.feed(Event.DIED)
            return
        self.process = process
        self.last_run = time.time()
        self.first_run = self.first_run or self.last_run
        self.respawns += 1
        self.realm.enlist(process.pid, self)
        if self.door is not None and self.found.path is not None:
            _warn(self.name, self.door, self.found.path)

    def _hear(self, byte: int) -> None:
        now = time.time()
        if byte == emperor_pipe.SPAWNED:
            self.ready, self.last_ready = True, now
            tell(f"vassal {self.name} has been spawned")
        elif byte == emperor_pipe.ACCEPTING:
            self.accepting, self.last_accepting = True, now
            tell(f"vassal {self.name} is ready to accept requests")
        elif byte == emperor_pipe.LOYAL:
            self._became_loyal(now)
        elif byte == emperor_pipe.GOODBYE:
            self.feed(Event.GOODBYE)
        elif byte == emperor_pipe.BEAT:
            self.last_heartbeat = now
        elif byte == emperor_pipe.CONFIG and self.process and self.found.config is not None:
            self.process.send_config(self.found.config)

    def _became_loyal(self, now: float) -> None:
        if self.state is State.STARTING:
            tell(f"vassal {self.name} is now loyal")
        self.loyal, self.last_loyal = True, now
        self.realm.blacklist.forgive(self.name)
        self.feed(Event.LOYAL)

    def died(self, status: int) -> None:
        """Take in that the process has ended."""
        if self.process is not None:
            self.realm.living.pop(self.process.pid, None)
            self.process.close()
            if self.state is State.STARTING or os.WIFSIGNALED(status):
                code = os.waitstatus_to_exitcode(status)
                why = f"exit status {code}" if code >= 0 else f"signal {-code}"
                tell(f"vassal {self.name} (pid: {self.process.pid}) died: {why}")
        self.process = None
        self.ready = self.accepting = False
        self.feed(Event.DIED)

    # -- the deeds of the table ----------------------------------------------------------------

    def _note(self) -> None:
        if self.door is not None:
            tell(f'updated configuration for "on demand" instance {self.name}')

    def _reload(self) -> None:
        tell(f"reload the uwsgi instance {self.name}")
        if self.process is not None:
            self.process.say(Order.RELOAD)

    def _return(self) -> None:
        if self.door is not None:
            tell(f"bringing back instance {self.name} to on-demand mode")
        else:
            self._say_stop()
        # Departure: C stops it brutally unless emperor-graceful-shutdown is set, and so cuts off
        # a request that came after the vassal had said goodbye.
        self._order_end(Order.GRACEFUL)

    def _say_stop(self) -> None:
        tell(f"stop the uwsgi instance {self.name}")

    def _stop(self) -> None:
        self._say_stop()
        self._order_end(Order.GRACEFUL if self.realm.customs.graceful else Order.STOP)

    def _order_end(self, order: Order) -> None:
        if self.process is not None:
            self.process.end(order)

    def _rest(self) -> None:
        self.realm.held.discard(self)
        if self.door is None:
            self.realm.resting.add(self)
            self.realm.look_soon()
            return
        if self.door.stolen():
            self.door = self._bound_again(self.door)
        self._watch(self.door, 'back to "on demand" mode')

    def _bound_again(self, door: Door) -> Door:
        """Bind where a vassal has put a socket of its own over ours."""
        # Departure: C waits for ever on a socket that no path leads to.
        log.line(
            f'[emperor] {self.name} has put another socket in the place of "{door.name}", '
            f"which is its descriptor 0; it is bound again"
        )
        try:
            fresh = open_door(door.name, self.found.folder, self.realm.customs.backlog)
        except SocketError as error:
            tell(f"{self.name}: {error}")
            return door
        door.sock.close()
        return fresh

    def _hold(self) -> None:
        for line in self.realm.blacklist.died(self.name, time.monotonic()):
            tell(line)
        self.realm.held.add(self)
        self._withdraw()

    def _withdraw(self) -> None:
        if self.realm.herald is not None:
            self.realm.herald.withdraw(self.name)

    def _drop(self) -> None:
        self._withdraw()
        self.realm.held.discard(self)
        self.realm.resting.discard(self)
        if self._watcher is not None:
            self.realm.loop.end(self._watcher)
            self._watcher = None
        if self.door is not None:
            # Departure: in C the files of on-demand sockets stay, in spite of vacuum.
            if self.realm.customs.vacuum:
                self.door.remove()
            self.door.sock.close()
        hooks.run("stop", self.realm.customs.stop_hook, self.found)
        tell(f"removed uwsgi instance {self.name}")


DEEDS: dict[Do, Callable[[Vassal], None]] = {
    Do.NOTHING: lambda _: None,
    Do.SPAWN: Vassal._spawn,
    Do.NOTE: Vassal._note,
    Do.RELOAD: Vassal._reload,
    Do.RETURN: Vassal._return,
    Do.STOP: Vassal._stop,
    Do.FORGET_IT: Vassal._say_stop,
    Do.REST: Vassal._rest,
    Do.HOLD: Vassal._hold,
    Do.DROP: Vassal._drop,
}


def _warn(name: str, door: Door, path: str) -> None:
    """Say so when a vassal declares the socket that it is handed."""
    try:
        with open(path, "rb") as file:
            option = own_socket.declared_in(file.read(own_socket.LIMIT), door.sock, path)
    except OSError:
        return
    if option is not None:
        log.line(own_socket.warning(name, option, door.name))
