"""What an instance has besides its workers: routers, an emperor, statistics, announcements.

Section:  ground / the server; what stands beside the workers
What:     asks each part whether the configuration wants it, binds its sockets, and joins it to
          the master's loop.
Units:    none.
Errors:   OptionError from the parts.
"""

from __future__ import annotations

import time
from typing import Any

from refuwsgi import address, log, sockets, stats
from refuwsgi.gateway import GatewayProcess
from refuwsgi.options import Config, OptionError
from refuwsgi.scaling import http_link, orders, upkeep
from refuwsgi.scaling.master import Master
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server import caches, empires
from refuwsgi.server.service import Service
from refuwsgi.sockets import Listener, backlog_of
from refuwsgi.stats import StatsServer

# The parts are imported where they are wanted: a server that has none of them starts sooner
# and is smaller.


class Extras:
    """The parts beside the workers."""

    def __init__(self, config: Config, board: Scoreboard) -> None:
        self.config = config
        self.board = board
        self.emperor = empires.emperor_of(config)
        self.pipe = empires.pipe()
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
            self.gateways.append(GatewayProcess(empires.EMPEROR, self.emperor.run))

    def routers(self) -> bool:
        """Say whether the instance has a router, which needs no workers."""
        return self.config.asks_for("fastrouter") or http_link.router_wanted(self.config)

    def join(self, master: Master, service: Service, doors: list[Listener]) -> None:
        """Give the master what shall run beside it."""
        if self._stats is not None:
            master.tasks.append(self._serve_stats(master, service, self._stats).run())
        adaptive = None
        if self.config.asks_for("cheaper"):
            from refuwsgi.scaling import cheaper

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
            from refuwsgi.server import subscribing

            subscribing.join(master, self.config, self.board, doors, lambda: queue_of(doors))
        if self.emperor is not None:
            empires.let_rescan(master)
        if self.pipe is not None:
            empires.serve(self.pipe, master, self.config, self.board, service)

    def _serve_stats(self, master: Master, service: Service, listener: Listener) -> Any:
        from refuwsgi import stats_text

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
        from refuwsgi.scaling import sleeping
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


def queue_of(doors: list[Listener]) -> int:
    """How many clients wait at the doors."""
    found = [backlog_of(door.sock) for door in doors]
    return max((each[0] for each in found if each), default=0)


def configured(config: Config, board: Scoreboard) -> Extras:
    """Find out which parts the configuration wants."""
    return Extras(config, board)
