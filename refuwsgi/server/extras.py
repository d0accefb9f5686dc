"""What an instance has besides its workers: routers, an emperor, statistics, announcements.

Section:  ground / the server; what stands beside the workers
What:     asks each part whether the configuration wants it, binds its sockets, and joins it to
          the master's loop.
Units:    none.
Errors:   OptionError from the parts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from refuwsgi import address, log, sockets, stats, stats_text
from refuwsgi.gateway import GatewayProcess
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Config, OptionError
from refuwsgi.request import Request
from refuwsgi.scaling import cheaper, http_link, orders, sleeping, upkeep
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.master import Master
from refuwsgi.scaling.workers import PROCESSES
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server import caches
from refuwsgi.server.service import Service, wanted
from refuwsgi.sockets import Listener, backlog_of
from refuwsgi.stats import StatsServer

# The parts are imported where they are wanted: a server that has none of them starts sooner
# and is smaller.
if TYPE_CHECKING:
    from refuwsgi.vassals.emperor_pipe import EmperorPipe
    from refuwsgi.vassals.imperial_loop import Emperor


class Extras:
    """The parts beside the workers."""

    def __init__(self, config: Config, board: Scoreboard) -> None:
        self.config = config
        self.board = board
        self.emperor = _emperor(config)
        self.pipe = _pipe()
        self.gateways: list[GatewayProcess] = []
        self.listeners: list[Listener] = []  # those that are not the workers'
        self._stats: Listener | None = None

    def bind(self, config: Config, doors: list[Listener]) -> None:
        """Bind the sockets of the parts."""
        wanted = config[stats.STATS]
        if wanted is not None:
            try:
                where = address.parse(wanted)
            except ValueError as problem:
                raise OptionError(f"{config.where(stats.STATS)}: stats: {problem}") from None
            self._stats = sockets.listener(where, "stats", config)
            self.listeners.append(self._stats)
            stats.said(self._stats.name, self._stats.sock.fileno())
        if config.asks_for("fastrouter"):
            from refuwsgi.fastrouter import getting_started

            found = caches.caches_of(config) if caches.wanted(config) else None
            self.gateways += getting_started.configured(config, doors, found)
        if http_link.router_wanted(config):
            from refuwsgi.scaling import http_router

            self.gateways += http_router.configured(config, doors)
        if self.emperor is not None:
            self.gateways.append(GatewayProcess("uWSGI Emperor", self.emperor.run))

    def routers(self) -> bool:
        """Say whether the instance has a router, which needs no workers."""
        return self.config.asks_for("fastrouter") or http_link.router_wanted(self.config)

    def join(self, master: Master, service: Service, doors: list[Listener]) -> None:
        """Give the master what shall run beside it."""
        if self._stats is not None:
            master.tasks.append(self._serve_stats(master, service, self._stats).run())
        master.initial = cheaper.initial(self.config)
        adaptive = cheaper.configured(self.config, lambda: queue_of(doors))
        if adaptive is not None:
            master.cycle.append(adaptive.look)
        upkeep.join(master, self.config, doors, adaptive)
        if caches.wanted(self.config):
            from refuwsgi.cache import stages

            sweeper = stages.sweeper(self.config, caches.caches_of(self.config))
            master.cycle.append(sweeper.look)
            master.tasks += stages.servers(caches.caches_of(self.config))
        if self.config.asks_for("metrics-dir", "metric-dir"):
            from refuwsgi import metrics_files

            files = metrics_files.configured(self.config, service.metrics)
            if files is not None:
                master.cycle.append(lambda master: files.look())
        if self.config.asks_for("idle", "cheap"):
            self._join_idle(master, doors)
        if self.config.asks_for("subscribe"):
            self._join_subscriptions(master, doors)
        if self.pipe is not None:
            self._join_emperor(master, service, self.pipe)

    def _serve_stats(self, master: Master, service: Service, listener: Listener) -> Any:
        fields = service.snapshot().fields
        return StatsServer(
            master.loop,
            listener.sock,
            fields,
            http=self.config[stats.STATS_HTTP],
            minified=self.config[stats.STATS_MINIFIED],
            text_pages={"/metrics": lambda: stats_text.text(fields())},
        )

    def _join_idle(self, master: Master, doors: list[Listener]) -> None:
        from refuwsgi.vassals import idle

        if self.config[idle.CHEAP]:
            master.asleep = True
            master.tasks.append(sleeping.sleep_until_called(master, doors))
        rule = idle.configured(self.config, self.pipe is not None, time.monotonic())
        if rule is None:
            return

        def look(master: Master) -> None:
            now = time.monotonic()
            busy = any(core.in_request for rows in self.board.cores for core in rows)
            busy = busy or queue_of(doors) > 0
            verdict = rule.decide(idle.Seen(self.board.requests(), busy, master.asleep), now)
            if verdict is idle.Decision.STAY:
                return
            log.line(rule.line(now))
            if verdict is idle.Decision.SLEEP:
                master.loop.spawn(sleeping.sleep_until_called(master, doors))
            elif verdict is idle.Decision.GOODBYE and self.pipe is not None:
                self.pipe.goodbye()
            else:
                orders.stop_gracefully(master)

        master.cycle.append(look)

    def _join_subscriptions(self, master: Master, doors: list[Listener]) -> None:
        from refuwsgi.fastrouter import subscribe_to

        subscriber = subscribe_to.configured(self.config, log.line)
        if subscriber is None:
            return
        subscriber.sockets = [door.name for door in doors]
        subscriber.shared = [door.name for door in sockets.shared(self.config)]
        subscriber.cores = self.config[PROCESSES] * self.config[THREADS]
        subscriber.load = lambda: queue_of(doors)
        master.letters["S"] = subscriber.toggle

        async def announce_when_ready() -> None:
            while not any(row.ready for row in self.board.workers) and not master.asleep:
                await sleep(0.02)
            await subscriber.run()

        def withdraw() -> None:
            gently = not master.hurry and master.goal == orders.RELOAD
            if not gently or subscriber.withdraws_on_graceful_reload:
                subscriber.withdraw()

        master.tasks.append(announce_when_ready())
        master.before_end.append(withdraw)
        master.at_pause.append(lambda: subscriber.pause(master.paused))

    def _join_emperor(self, master: Master, service: Service, pipe: EmperorPipe) -> None:
        from refuwsgi.vassals.emperor_pipe import period

        def loyal(request: Request) -> None:
            if pipe.loyal():
                log.line("announcing my loyalty to the Emperor...")

        service.after.append(loyal)
        master.tasks += [self._obey_emperor(master, pipe), self._tell_emperor(pipe)]
        beat = period(self.config)
        if beat:
            master.tasks.append(self._beat(pipe, beat))

    async def _tell_emperor(self, pipe: EmperorPipe) -> None:
        pipe.spawned()
        while not any(row.ready for row in self.board.workers):
            await sleep(0.02)
        pipe.accepting()

    async def _obey_emperor(self, master: Master, pipe: EmperorPipe) -> None:
        from refuwsgi.vassals.emperor_pipe import Order

        while True:
            await readable(pipe.fileno())
            order = pipe.receive()
            if order is Order.RELOAD:
                orders.reload_gracefully(master)
            elif order is not Order.NOTHING:
                how = orders.stop_gracefully if order is Order.GRACEFUL else orders.stop
                how(master)
                return

    async def _beat(self, pipe: EmperorPipe, period: int) -> None:
        while True:
            pipe.beat()
            await sleep(period)


def _main(words: Sequence[str]) -> int:
    """Run the command in a process that an emperor has forked for a vassal."""
    from refuwsgi.cli import main

    return main(list(words))


def _emperor(config: Config) -> Emperor | None:
    if not config.asks_for("emperor"):
        return None
    from refuwsgi.vassals import emperor

    # Vassals are forked without exec only from an emperor that is nothing else: what a master
    # has made for workers and routers, locks and sockets, is not for vassals to inherit.
    alone = not (wanted(config) or config.asks_for("fastrouter") or http_link.router_wanted(config))
    return emperor.configured(config, _main if alone else None)


def _pipe() -> EmperorPipe | None:
    if "UWSGI_EMPEROR_FD" not in os.environ:
        return None
    from refuwsgi.vassals import emperor_pipe

    return emperor_pipe.attached()


def queue_of(doors: list[Listener]) -> int:
    """How many clients wait at the doors."""
    found = [backlog_of(door.sock) for door in doors]
    return max((each[0] for each in found if each), default=0)


def configured(config: Config, board: Scoreboard) -> Extras:
    """Find out which parts the configuration wants."""
    return Extras(config, board)
