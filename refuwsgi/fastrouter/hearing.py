"""The side of a router process that hears of nodes: from the generation before, and from nodes.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; a router process hears
What:     takes over what the process before it knew, listens to announcements only then (they wait
          in the sockets: a replayed one must meet the numbers that it repeats), finds out who fell
          silent, and leaves what it knows when it goes.
Units:    seconds.
Errors:   none here; `sign_check.configured` and `resubscribe.configured` were tried at the start.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from refuwsgi import log
from refuwsgi.fastrouter import cheap_mode, resubscribe, sign_check, table_handover
from refuwsgi.fastrouter import way3_use_cache as way3
from refuwsgi.fastrouter import way4_subscription_server as way4
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscription_streams import Ear
from refuwsgi.gateway import Gateway
from refuwsgi.loop import Task, sleep
from refuwsgi.options import Config
from refuwsgi.sockets import Listener

PART = 1000  # keys of a large table that are looked at before others get their turn


class Parts(NamedTuple):
    """What the router processes share: bound before the first is started."""

    config: Config
    listeners: Sequence[Listener]
    servers: Sequence[way4.Server]
    stats: Listener | None
    inboxes: Sequence[way4.Inbox]
    handover: table_handover.Handover  # in which the table outlives a reload
    instance: tuple[str, ...]  # the addresses of the instance's own sockets
    caches: Mapping[str, way3.Cache]


class Hearing:
    """What one router process does to know its nodes."""

    def __init__(self, parts: Parts, place: int, gateway: Gateway, table: Table) -> None:
        config = parts.config
        above = resubscribe.configured(config, parts.listeners[0].name)
        signatures = sign_check.configured(config, log.line)
        self._guard = signatures.guard if signatures else None
        self._handover = parts.handover
        self._gateway = gateway
        self._table = table
        self._leaves = place == 0  # all know the same: one tells those who come after it
        self._keeper = table_handover.Keeper(parts.handover, table, self._guard, gateway.loop)
        self._knows = False
        self._tasks: list[Task] = []
        others = [inbox for other, inbox in enumerate(parts.inboxes) if other != place]
        receiver = way4.Receiver(
            table,
            others=others,
            signatures=signatures,
            owners=config[sign_check.CREDENTIALS_CHECK],
            forward=above.forward if above else None,
        )
        self._ears = [Ear(each.sock, table, receiver.take, inside=False) for each in parts.servers]
        for ear in self._ears:
            ear.rests = ear.rests and not others  # the inboxes of others are soon full, too
        if parts.inboxes:
            own = parts.inboxes[place].ours
            self._ears.append(Ear(own, table, receiver.take, inside=True))

    def begin(self, name: str, tolerance: float, *, cheap: bool) -> None:
        """Have the gateway's loop hear from now on."""
        gateway, table = self._gateway, self._table
        if cheap:
            mode = cheap_mode.CheapMode(gateway, name, log.line)
            table.changed.append(lambda: mode.nodes_changed(table.living))
        elif self._guard is None and logs_to_a_file():
            # Nobody else speaks between the lines of the table.
            for ear in self._ears:
                ear.say_all = log.lines
        gateway.on_leaving.append(self.leave)
        self._tasks.append(gateway.loop.spawn(self._hear()))
        gateway.loop.spawn(_sweep(table, 1.0 if cheap else max(1.0, tolerance)))

    async def _hear(self) -> None:
        await table_handover.take_over(self._handover, self._table, self._guard)
        self._knows = True
        if self._leaves:
            self._table.changed.append(self._keeper.changed)
            if self._guard is not None:
                self._guard.changed = self._keeper.changed
            self._keeper.changed()
        for ear in self._ears:
            self._tasks.append(self._gateway.loop.spawn(ear.listen()))

    def leave(self) -> None:
        """Hear no more, and tell the next generation."""
        for task in self._tasks:  # what comes from now on is for the next generation
            self._gateway.loop.end(task)
        self._tasks.clear()
        self._keeper.stop()
        if not self._knows:
            table_handover.read(self._handover, self._table, self._guard)
        if self._leaves:
            table_handover.write(self._handover, self._table, self._guard)


def logs_to_a_file() -> bool:
    """Say whether several lines of the log may be one write: in a pipe each may be a message."""
    try:
        return stat.S_ISREG(os.fstat(log.STDERR).st_mode)
    except OSError:
        return False  # there is no descriptor 2


async def _sweep(subscribed: Table, pause: float) -> None:
    """Find silent nodes that nobody asks for: a tolerance after another nobody is left.

    A router that may go cheap must know sooner.
    """
    while True:
        await sleep(pause)
        keys = list(subscribed.slots)
        for start in range(0, len(keys), PART):
            subscribed.sweep(time.monotonic(), keys[start : start + PART])
            await sleep(0.0)
