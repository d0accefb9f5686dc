"""What a router tells of itself: its sockets, its nodes, how it is doing.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; fastrouter-stats
What:     builds the fields that uWSGI's router has in its stats, for the machine's stats server.
Units:    `last_check` and `grace` are seconds since the epoch, tx and rx bytes from and to a node.
Errors:   none.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.static_nodes import To
from refuwsgi.fastrouter.subscribed import Subscribed
from refuwsgi.gateway import Gateway
from refuwsgi.options import Option, text
from refuwsgi.protocol.subscription import hash_of

STATS: Option[str | None] = Option(
    "fastrouter-stats",
    text,
    default=None,
    help="tell everybody who connects to this address how the router is doing",
    aliases=("fastrouter-stats-server", "fastrouter-ss"),
)

VERSION = "2.0.31"  # whose fields these are

Fields = dict[str, Any]


class RouterStats:
    """Knows what to ask for the fields."""

    def __init__(
        self,
        gateway: Gateway,
        names: Sequence[str],
        to: To | None,
        table: Table | None,
        way: Fields,
    ) -> None:
        self._gateway = gateway
        self._names = list(names)
        self._to = to
        self._table = table
        self._way = way  # how it maps, for `refuwsgi route`

    def fields(self) -> Fields:
        """Everything, now."""
        now = time.monotonic()
        found: Fields = {
            "version": VERSION,
            "pid": os.getpid(),
            "uid": os.getuid(),
            "gid": os.getgid(),
            "cwd": os.getcwd(),
            "active_sessions": self._gateway.sessions,
            "fastrouter": self._names,
        }
        if self._to is not None:
            found["static_nodes"] = [
                {"name": node.address, "hits": node.hits, "grace": since_1970(node.since, now)}
                for node in self._to.nodes
            ]
        if self._table is not None:
            found["subscriptions"] = [
                {
                    "key": key.decode("latin-1"),
                    "hash": hash_of(key),
                    "hits": slot.hits,
                    "sni_enabled": 0,
                    "algorithm": slot.algorithm,
                    "nodes": [of_node(node, now) for node in slot.nodes],
                }
                for key, slot in self._table.slots.items()
            ]
        # Beyond: uWSGI shows tables only.
        found["way"] = {**self._way, "turn": self._to.turn} if self._to else self._way
        found["cheap"] = int(self._gateway.cheap)
        return found


def since_1970(moment: float, now: float) -> int:
    """A monotonic time as uWSGI shows it; 0 stays 0."""
    return int(time.time() - (now - moment)) if moment else 0


def of_node(node: Subscribed, now: float) -> Fields:
    """What the stats say of a subscribed node."""
    return {
        "name": node.address,
        "modifier1": node.modifier1,
        "modifier2": node.modifier2,
        "last_check": since_1970(node.last_check, now),
        "pid": node.sender.pid,
        "uid": node.sender.uid,
        "gid": node.sender.gid,
        "requests": node.requests,
        "last_requests": node.last_requests,
        "tx": node.received,
        "rx": node.sent,
        "cores": node.cores,
        "load": node.load,
        "weight": node.weight,
        "wrr": node.turns,
        "ref": node.running,
        "failcnt": node.failures,
        "death_mark": int(node.dead),
        "backup": node.backup,
    }
