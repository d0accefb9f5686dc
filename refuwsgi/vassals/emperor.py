"""The emperor: its options, and how it is put together.

Section: vassals / On demand vassals (socket activation); the emperor
What: `configured` builds the `Emperor` that a configuration asks for; its `run` is the main loop of
      a process (imperial_loop.py).
Units: seconds.
Errors: `OptionError` before anything is started.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from refuwsgi import log, sockets
from refuwsgi.address import Address, parse
from refuwsgi.loop import Loop
from refuwsgi.options import JOIN, Config, Option, flag, number, text, texts
from refuwsgi.stats import STATS_HTTP
from refuwsgi.vassals import announce, emperor_stats, hooks, on_demand, spawn, throttle, tyrant
from refuwsgi.vassals.census import Census
from refuwsgi.vassals.imperial_loop import Emperor as Emperor
from refuwsgi.vassals.monitors import choose, monitor
from refuwsgi.vassals.process import Customs
from refuwsgi.vassals.vassal import Realm

EMPEROR: Option[tuple[str, ...]] = Option(
    "emperor",
    texts,
    default=(),
    help="start a vassal for each config that this directory, pattern or database has",
    repeat=JOIN,
)
FREQ = Option("emperor-freq", number, default=3, help="the seconds between two scans for vassals")
PIDFILE: Option[str | None] = Option(
    "emperor-pidfile", text, default=None, help="write the pid of the emperor to this file"
)
GRACEFUL = Option(
    "emperor-graceful-shutdown",
    flag,
    default=False,
    help="let vassals that are stopped finish their requests",
    bare="true",
)
TOLERANCE = Option(
    "emperor-curse-tolerance",
    number,
    default=30,
    help="kill a vassal that has not ended so many seconds after it should",
)
REQUIRED_HEARTBEAT = Option(
    "emperor-required-heartbeat",
    number,
    default=30,
    help="kill a vassal that has sent heartbeats but none for so many seconds",
)
BROODLORD = Option(
    "emperor-broodlord",
    number,
    default=0,
    help="accepted; a vassal that asks for reinforcement gets none here",
)
LIST = Option(
    "imperial-monitor-list",
    flag,
    default=False,
    help="print the schemes that the emperor knows",
    aliases=("imperial-monitors-list",),
    bare="true",
)


def configured(
    config: Config, main: Callable[[Sequence[str]], int] | None = None
) -> Emperor | None:
    """Build the emperor that the operator asked for; `main` runs a vassal of ours without exec."""
    if config[LIST]:
        _list_monitors()
    addresses = config[EMPEROR]
    if not addresses:
        return None
    if config[FREQ] < 1:
        # Departure: C takes 0, and then never sleeps.
        raise config.error(FREQ, "a number of seconds above 0")
    customs = Customs(
        spawn.configured(config),
        config[sockets.LISTEN],
        config[GRACEFUL],
        config[tyrant.TYRANT],
        config[TOLERANCE],
        config[REQUIRED_HEARTBEAT],
        main if _only_files(addresses) else None,
        _vacuum(config),
        config[hooks.START_HOOK],
        config[hooks.STOP_HOOK],
    )
    realm = Realm(Loop(), customs, throttle.configured(config), announce.configured(config))
    wishes = monitor.wishes(config, os.getcwd())
    monitors = [choose.monitor_for(address, wishes) for address in addresses]
    census = Census(realm, monitors, on_demand.rule(config), tyrant.configured(config))
    return Emperor(
        census,
        period=config[FREQ],
        pidfile=config[PIDFILE],
        stats=_stats_address(config),
        stats_http=config[STATS_HTTP],
    )


def _vacuum(config: Config) -> bool:
    """Say whether files of sockets are to be removed; the option is the server's."""
    said = [setting.value for setting in config.settings if setting.name == "vacuum"]
    return bool(said) and flag(said[-1] or "true")


def _only_files(addresses: Iterable[str]) -> bool:
    """Say whether there is no driver, which may have threads: then fork without exec is safe."""
    schemes = (address.partition("://") for address in addresses)
    return all(not mark or scheme in ("dir", "glob") for scheme, mark, _ in schemes)


def _list_monitors() -> None:
    log.line("*** uWSGI loaded imperial monitors ***")
    for scheme in choose.SCHEMES:
        log.line(scheme)
    log.line("--- end of imperial monitors list ---")


def _stats_address(config: Config) -> Address | None:
    address = config[emperor_stats.EMPEROR_STATS]
    if address is None:
        return None
    try:
        return parse(address)
    except ValueError as problem:
        raise config.error(emperor_stats.EMPEROR_STATS, f"an address ({problem})") from None
