"""One process of a router: which parts it has, and how they are joined.

Section:  fastrouter / Getting started; a router's process
What:     picks the way that rules, builds the sessions' rules, and runs the gateway with its
          subscription server, its cheap mode and its statistics beside it.
Units:    seconds.
Errors:   `OptionError`, all of them from `check`, before any process starts.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import time
from collections.abc import Callable

from refuwsgi import gateway_plain, log, passing, stats
from refuwsgi.fastrouter import (
    balancing,
    cheap_mode,
    notes,
    post_buffering,
    resubscribe,
    router_stats,
    router_text,
    router_way,
    sign_check,
    static_nodes,
)
from refuwsgi.fastrouter import way1_use_base as way1
from refuwsgi.fastrouter import way2_use_pattern as way2
from refuwsgi.fastrouter import way3_use_cache as way3
from refuwsgi.fastrouter import way4_subscription_server as way4
from refuwsgi.fastrouter import way5_use_code_string as way5
from refuwsgi.fastrouter.hearing import Hearing, Parts
from refuwsgi.fastrouter.notes_alike import AlikeNotes
from refuwsgi.fastrouter.slots import Table
from refuwsgi.gateway import Gateway
from refuwsgi.gateway_rules import Chooser, Offers, Plain, Rules
from refuwsgi.loop import sleep
from refuwsgi.options import Config, Option, flag, seconds, text
from refuwsgi.sockets import Listener

QUIET = Option(
    "fastrouter-quiet",
    flag,
    default=False,
    help="do not log each connection that a node does not take",
    bare="true",
)
ERRORS = Option(
    "fastrouter-errors",
    flag,
    default=False,
    help="answer 400, 408, 502, 503 or 504 where uWSGI closes without a byte",
    bare="true",
)
HARAKIRI = Option(
    "fastrouter-harakiri",
    seconds,
    default=0.0,
    help="kill a router process that is held up for this many seconds",
)
UID: Option[str | None] = Option(
    "fastrouter-uid", text, default=None, help="the user of the router's processes"
)
GID: Option[str | None] = Option(
    "fastrouter-gid", text, default=None, help="the group of the router's processes"
)

NAME = "uWSGI fastrouter"
CHEAP = "starting uWSGI fastrouter in cheap mode"
HARAKIRI_LINE = "*** HARAKIRI ON GATEWAY {} (pid: {}) ***"


def check(parts: Parts) -> None:
    """Build once what each process will build, so that mistakes show now."""
    config = parts.config
    table(config)
    chooser_of(parts, None)
    sign_check.configured(config, log.line)
    resubscribe.configured(config, parts.listeners[0].name)
    _ids(config)


def runner(parts: Parts, place: int) -> Callable[[], int]:
    """What the process of that place runs."""
    return functools.partial(run, parts, place)


def table(config: Config) -> Table:
    """An empty table of subscriptions."""
    return Table(
        log.line,
        name=NAME,
        tolerance=config[way4.TOLERANCE],
        algorithm=balancing.configured(config),
        dotsplit=config[way4.DOTSPLIT],
        fallback_key=config[way4.FALLBACK_KEY].encode("latin-1", "replace"),
    )


def chooser_of(parts: Parts, subscribed: Table | None) -> Chooser | None:
    """The way that rules: the first that is configured, in uWSGI's order."""
    config = parts.config
    if (cached := way3.configured(config, parts.caches)) is not None:
        return Plain(cached, again=True)
    if (pattern := way2.configured(config)) is not None:
        return Plain(pattern, again=False)
    if subscribed is not None:
        return way4.Subscriptions(subscribed, config[way4.MOUNTPOINTS])
    if (base := way1.configured(config)) is not None:
        return Plain(base, again=False)
    if (code := way5.configured(config)) is not None:
        return Plain(code, again=True)
    if (own := static_nodes.configured_use_socket(config, parts.instance)) is not None:
        return Plain(own, again=False)
    return static_nodes.configured_to(config, log.line)


def rules(config: Config, chooser: Chooser | None) -> Rules:
    """How the sessions go."""
    return Rules(
        "uwsgi-fastrouter",
        AlikeNotes().asked_of,
        chooser,
        notes.timeout(config),
        log.line,
        fallback=config[static_nodes.FALLBACK],
        # Departure: when all static nodes are in grace uWSGI closes, its fallback unused.
        fallback_on_no_key=config[static_nodes.FALLBACK_ON_NO_KEY]
        or isinstance(chooser, static_nodes.To),
        keep=post_buffering.configured(config),
        offers=None if config[passing.NO_FD_PASSING] else Offers(),
        answers=config[ERRORS],
        quiet=config[QUIET],
    )


def run(parts: Parts, place: int) -> int:
    """Be a router process until a signal says that it is enough."""
    config = parts.config
    _drop(config, f"{NAME} {place + 1}")
    subscribed = table(config) if parts.servers else None
    chooser = chooser_of(parts, subscribed)
    cheap = cheap_mode.configured(config, subscriptions=bool(parts.servers))
    if cheap:
        log.line(CHEAP)
    gateway = Gateway(
        [listener.sock for listener in parts.listeners],
        gateway_plain.serves(rules(config, chooser)),
        cheap=cheap,
    )
    hearing = Hearing(parts, place, gateway, subscribed) if subscribed is not None else None
    if hearing is not None:
        hearing.begin(NAME, config[way4.TOLERANCE], cheap=cheap)
    if parts.stats is not None and place == 0:
        names = [each.name for each in parts.listeners] + [each.name for each in parts.servers]
        to = chooser if isinstance(chooser, static_nodes.To) else None
        way = router_way.told(config, chooser)
        shown = router_stats.RouterStats(gateway, names, to, subscribed, way)
        gateway.loop.spawn(_stats(config, gateway, parts.stats, shown))
    if config[HARAKIRI]:
        _harakiri(gateway, config[HARAKIRI], f"{NAME} {place + 1}")
    status = gateway.run()
    if hearing is not None and not gateway.leaving:
        hearing.leave()  # this may be a brutal reload
    return status


async def _stats(
    config: Config, gateway: Gateway, listener: Listener, shown: router_stats.RouterStats
) -> None:
    server = stats.StatsServer(
        gateway.loop,
        listener.sock,
        shown.fields,
        http=config[stats.STATS_HTTP],
        minified=config[stats.STATS_MINIFIED],
        text_pages={"/metrics": lambda: router_text.text(shown.fields())},
    )
    await server.run()


# -- rights and patience


def _ids(config: Config) -> tuple[int | None, int | None]:
    """The user and the group that a router process becomes."""
    import grp

    uid, gid = config[UID], config[GID]
    try:
        user = None if uid is None else int(uid) if uid.isdigit() else pwd.getpwnam(uid).pw_uid
    except KeyError:
        raise config.error(UID, "a user") from None
    try:
        group = None if gid is None else int(gid) if gid.isdigit() else grp.getgrnam(gid).gr_gid
    except KeyError:
        raise config.error(GID, "a group") from None
    return user, group


def _drop(config: Config, name: str) -> None:
    user, group = _ids(config)
    if group is not None:
        log.line(f"{name} setgid() to {group}")
        os.setgid(group)
        with contextlib.suppress(PermissionError):
            os.setgroups([])
    if user is not None:
        log.line(f"{name} setuid() to {user}")
        os.setuid(user)


def _harakiri(gateway: Gateway, limit: float, name: str) -> None:
    """Watch the loop from a thread, and kill the process when it does not turn any more."""
    import signal
    import threading

    turned = [time.monotonic()]

    async def turn() -> None:
        while True:
            turned[0] = time.monotonic()
            await sleep(min(1.0, limit / 4))

    def watch() -> None:
        while time.monotonic() - turned[0] < limit + 0.5:
            time.sleep(0.25)
        log.line(HARAKIRI_LINE.format(name, os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)

    gateway.loop.spawn(turn())
    threading.Thread(target=watch, daemon=True).start()
