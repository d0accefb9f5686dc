"""What an instance has besides its workers: routers, an emperor, statistics, announcements.

Section:  ground / the server; what stands beside the workers
What:     asks each part whether the configuration wants it, binds its sockets, and joins it to
          the master's loop.
Units:    none.
Errors:   OptionError from the parts.
"""

from __future__ import annotations

from typing import Any

from refuwsgi import address, sockets, stats
from refuwsgi.options import Config, OptionError
from refuwsgi.fastrouter import getting_started
from refuwsgi.gateway import GatewayProcess
from refuwsgi.scaling.master import Master
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server.service import Service
from refuwsgi.sockets import Listener
from refuwsgi.stats import StatsServer
from refuwsgi.vassals import emperor, emperor_pipe


class Extras:
    """The parts beside the workers."""

    def __init__(self, config: Config, board: Scoreboard) -> None:
        self.config = config
        self.board = board
        self.emperor = emperor.configured(config)
        self.pipe = emperor_pipe.attached()
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
        self.gateways += getting_started.configured(config, doors)

    def join(self, master: Master, service: Service, doors: list[Listener]) -> None:
        """Give the master what shall run beside it."""
        if self._stats is not None:
            master.tasks.append(self._serve_stats(master, service, self._stats).run())

    def _serve_stats(self, master: Master, service: Service, listener: Listener) -> Any:
        return StatsServer(
            master.loop,
            listener.sock,
            service.snapshot().fields,
            http=self.config[stats.STATS_HTTP],
            minified=self.config[stats.STATS_MINIFIED],
        )


def configured(config: Config, board: Scoreboard) -> Extras:
    """Find out which parts the configuration wants."""
    return Extras(config, board)
