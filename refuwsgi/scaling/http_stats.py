"""http-stats: what the HTTP router tells of itself.

Section:  scaling / http; http-stats
What:     the fields that uWSGI's router has, for the machine's stats server.
Units:    `grace` is in seconds since the epoch; 0 for a node that lives.
Errors:   OptionError for an address that is none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from refuwsgi import address, log, sockets, stats
from refuwsgi.gateway import Gateway
from refuwsgi.options import Config, OptionError
from refuwsgi.scaling.http_nodes import Nodes
from refuwsgi.scaling.http_options import STATS
from refuwsgi.sockets import Listener

VERSION = "2.0.31"  # whose fields these are
ENABLED = "*** http stats server enabled on {} fd: {} ***"


def bound(config: Config) -> Listener | None:
    """Bind the address of the stats, if they are wanted."""
    wanted = config[STATS]
    if wanted is None:
        return None
    try:
        where = address.parse(wanted)
    except ValueError as problem:
        raise OptionError(f"{config.where(STATS)}: {STATS.name}: {problem}") from None
    listener = sockets.listener(where, "stats", config)
    log.line(ENABLED.format(listener.name, listener.sock.fileno()))
    return listener


class Shown:
    """Knows what to ask for the fields."""

    def __init__(self, gateway: Gateway, names: Sequence[str], nodes: Nodes) -> None:
        self.gateway = gateway
        self._names = list(names)
        self._nodes = nodes

    def fields(self) -> dict[str, Any]:
        """Everything, now."""
        shift = time.time() - time.monotonic()
        return {
            "version": VERSION,
            "pid": os.getpid(),
            "uid": os.getuid(),
            "gid": os.getgid(),
            "cwd": os.getcwd(),
            "active_sessions": self.gateway.sessions,
            "http": self._names,
            "static_nodes": [
                {
                    "name": node.address,
                    "hits": node.hits,
                    "grace": int(node.since + shift) if node.since else 0,
                }
                for node in self._nodes.main
            ],
            "cheap": int(self.gateway.cheap),
        }


async def serve(config: Config, listener: Listener, shown: Shown) -> None:
    """Tell everybody who connects."""
    server = stats.StatsServer(
        shown.gateway.loop,
        listener.sock,
        shown.fields,
        http=config[stats.STATS_HTTP],
        minified=config[stats.STATS_MINIFIED],
    )
    await server.run()
