"""An instance and its emperor: the one that it is a vassal of, and the one beside its workers.

Section:  ground / the server; emperors above it and beside it
What:     a vassal tells its emperor how it gets on and obeys it, through a pipe; an instance
          with workers may itself have an emperor, as one more process of its master.
Units:    none.
Errors:   OptionError from the emperor's options.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from refuwsgi import log
from refuwsgi.loop import readable, sleep
from refuwsgi.options import Config
from refuwsgi.request import Request
from refuwsgi.scaling import http_link, orders
from refuwsgi.scaling.master import Master
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server.service import Service, wanted

if TYPE_CHECKING:
    from refuwsgi.vassals.emperor_pipe import EmperorPipe
    from refuwsgi.vassals.imperial_loop import Emperor

EMPEROR = "uWSGI Emperor"


# -- above


def pipe() -> EmperorPipe | None:
    """The pipe to the emperor that has started us, if one has."""
    if "UWSGI_EMPEROR_FD" not in os.environ:
        return None
    from refuwsgi.vassals import emperor_pipe

    return emperor_pipe.attached()


def serve(
    pipe: EmperorPipe, master: Master, config: Config, board: Scoreboard, service: Service
) -> None:
    """Be a vassal: report, and obey."""
    from refuwsgi.vassals.emperor_pipe import period

    def loyal(request: Request) -> None:
        if pipe.loyal():
            log.line("announcing my loyalty to the Emperor...")

    service.after.append(loyal)
    master.tasks += [_obey(pipe, master), _tell(pipe, board)]
    beat = period(config)
    if beat:
        master.tasks.append(_beat(pipe, beat))


async def _tell(pipe: EmperorPipe, board: Scoreboard) -> None:
    pipe.spawned()
    while not any(row.ready for row in board.workers):
        await sleep(0.02)
    pipe.accepting()


async def _obey(pipe: EmperorPipe, master: Master) -> None:
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


async def _beat(pipe: EmperorPipe, period: int) -> None:
    while True:
        pipe.beat()
        await sleep(period)


# -- beside


def emperor_of(config: Config) -> Emperor | None:
    """The emperor that the operator wants in this instance."""
    if not config.asks_for("emperor"):
        return None
    from refuwsgi.vassals import emperor

    # Vassals are forked without exec only from an emperor that is nothing else: what a master
    # has made for workers and routers, locks and sockets, is not for vassals to inherit.
    alone = not (wanted(config) or config.asks_for("fastrouter") or http_link.router_wanted(config))
    if alone:
        import refuwsgi.offloading.static_files  # noqa: F401  # many vassals serve files
    return emperor.configured(config, _main if alone else None)


def _main(words: Sequence[str]) -> int:
    """Run the command in a process that an emperor has forked for a vassal."""
    from refuwsgi.cli import main

    return main(list(words))


def let_rescan(master: Master) -> None:
    """Let the fifo's E have the emperor look for vassals now."""

    def rescan() -> None:
        for slot in master.gateways:
            if slot.name == EMPEROR:
                slot.send(signal.SIGWINCH)

    master.letters["E"] = rescan
