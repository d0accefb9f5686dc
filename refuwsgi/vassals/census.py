"""The census: who is a vassal, according to the monitors, and what follows from each look.

Section: vassals / On demand vassals (socket activation); the census
What: asks the monitors, compares (scan.py), and adds, touches and removes vassals; the on-demand
      rule names the socket of those that are added.
Units: seconds.
Errors: a vassal whose socket cannot be had, or that tyrant mode refuses, is held back and tried
      again, as one that dies at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from refuwsgi import log
from refuwsgi.vassals.lifecycle import Event, State
from refuwsgi.vassals.monitors.monitor import Monitor
from refuwsgi.vassals.on_demand import Door, Rule, SocketError, open_door
from refuwsgi.vassals.process import tell
from refuwsgi.vassals.scan import Found, changes
from refuwsgi.vassals.tyrant import Tyrant
from refuwsgi.vassals.vassal import Realm, Vassal


class Court:
    """A monitor, and the vassals that it named."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.vassals: dict[str, Vassal] = {}


class Census:
    """All vassals, by the monitors that named them."""

    def __init__(
        self, realm: Realm, monitors: Sequence[Monitor], rule: Rule | None, tyrant: Tyrant | None
    ) -> None:
        self.realm = realm
        self.tyrant = tyrant
        self.courts = [Court(monitor) for monitor in monitors]
        self.ending = False
        self._rule = rule
        self._paths: set[str] = set()  # of the UNIX sockets that are kept

    @property
    def vassals(self) -> Iterator[Vassal]:
        """Every vassal that is not forgotten."""
        return (vassal for court in self.courts for vassal in list(court.vassals.values()))

    @property
    def descriptors(self) -> list[int]:
        """The descriptors whose readability calls for a scan."""
        return [fd for court in self.courts for fd in court.monitor.descriptors()]

    async def scan(self) -> None:
        """Ask every monitor, and do what follows."""
        for court in self.courts:
            found = court.monitor.look()
            if found is not None:
                await self._follow(court, found)
        now = time.monotonic()
        for vassal in list(self.realm.held):
            if not self.realm.blacklist.holds(vassal.name, now):
                vassal.feed(Event.HOLD_OVER)
        while self.realm.resting:
            self.realm.resting.pop().feed(Event.WAKE)

    async def _follow(self, court: Court, found: Sequence[Found]) -> None:
        if self.tyrant is not None:
            found = [self.tyrant.owned(each) for each in found]
        known = {name: vassal.found for name, vassal in court.vassals.items()}
        seen = changes(known, found, self.tyrant is not None)
        for each in seen.touched:
            self._touch(court.vassals[each.name], each)
        for each in seen.moved:
            if court.vassals[each.name].state is not State.LEAVING:
                _say_moved(court.vassals[each.name], each)
                self._remove(court.vassals[each.name])
        for name in seen.gone:
            self._remove(court.vassals[name])
        for each in sorted(seen.added, key=lambda found: found.name):
            if not self.realm.blacklist.holds(each.name, time.monotonic()):
                await self._add(court, each)

    def _touch(self, vassal: Vassal, found: Found) -> None:
        if vassal.state is not State.LEAVING:
            vassal.found = found
            vassal.feed(Event.CHANGED)

    def _remove(self, vassal: Vassal) -> None:
        vassal.feed(Event.REMOVED)
        self.forget_if_gone(vassal)

    def forget_if_gone(self, vassal: Vassal) -> None:
        """Strike off a vassal whose life has ended."""
        if vassal.state is not State.GONE:
            return
        for court in self.courts:
            if court.vassals.get(vassal.name) is vassal:
                del court.vassals[vassal.name]
        if vassal.door is not None and vassal.door.place is not None:
            self._paths.discard(vassal.door.place.path)
        if not self.ending:
            self.realm.look_soon()  # it may have been asked to come back in another way
        elif not any(self.vassals):
            self.realm.loop.stop()

    async def _add(self, court: Court, found: Found) -> None:
        if self.tyrant is not None and (refusal := self.tyrant.refusal(found)):
            self._keep_away(found, refusal)
            return
        try:
            door = await self._door_for(court.monitor, found)
        except SocketError as error:
            self._keep_away(found, f"[emperor] {found.name}: {error}")
            return
        vassal = Vassal(self.realm, found, court.monitor.name, door)
        court.vassals[found.name] = vassal
        vassal.settle()

    def _keep_away(self, found: Found, why: str) -> None:
        log.line(why)
        for line in self.realm.blacklist.died(found.name, time.monotonic()):
            tell(line)

    async def _door_for(self, monitor: Monitor, found: Found) -> Door | None:
        name = found.socket
        if not name and not monitor.names_sockets and self._rule and found.path is not None:
            name = await self._rule.socket_for(found.path)
        if not name:
            return None
        if os.path.join(found.folder, name) in self._paths:
            # Departure: in C the second vassal takes the path away, and the first waits for ever.
            raise SocketError(f"{name!r} is the socket of another vassal")
        door = open_door(name, found.folder, self.realm.customs.backlog)
        if door.place is not None:
            self._paths.add(door.place.path)
        return door

    def end(self) -> None:
        """Stop every vassal, and let go of the monitors."""
        self.ending = True
        for court in self.courts:
            court.monitor.close()
        if not any(self.vassals):
            self.realm.loop.stop()
        for vassal in self.vassals:
            self._remove(vassal)


def _say_moved(vassal: Vassal, found: Found) -> None:
    before = vassal.found.socket
    if found.socket == before:
        log.line(f"!!! permissions of file {vassal.name} changed. stopping the instance... !!!")
    elif found.socket and not before:
        tell(f'{vassal.name} -> requested move to "on demand" mode for socket "{found.socket}" ...')
    elif not found.socket:
        tell(f'{vassal.name} -> asked for leaving "on demand" mode for socket "{before}" ...')
