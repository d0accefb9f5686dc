"""Getting started: the addresses of a router, and the processes that serve them.

Section:  fastrouter / Getting started
What:     binds every ``fastrouter`` address, in their order, once; builds what each router process
          runs: its way of mapping, its table of nodes, its statistics.

          Ways are not combined.  The first of these that is configured rules alone:
          cache, pattern, subscription server, base, code string, socket, to.
Errors:   `OptionError` before any process starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refuwsgi import address, log, sockets
from refuwsgi.fastrouter import router_process, subscription_doors, table_handover
from refuwsgi.fastrouter import way3_use_cache as way3
from refuwsgi.fastrouter import way4_subscription_server as way4
from refuwsgi.fastrouter.hearing import Parts
from refuwsgi.fastrouter.router_stats import STATS
from refuwsgi.gateway import GatewayProcess
from refuwsgi.options import JOIN, Config, Option, OptionError, flag, how_many, octets, text, texts
from refuwsgi.sockets import Listener

FASTROUTER = Option(
    "fastrouter",
    texts,
    default=(),
    help="run a router on this address; several addresses may be given",
    repeat=JOIN,
)
PROCESSES = Option(
    "fastrouter-processes",
    how_many,
    default=1,
    help="how many processes serve the router's addresses",
    aliases=("fastrouter-workers",),
)
BUFFER_SIZE = Option(
    "fastrouter-buffer-size",
    octets,
    default=0,
    help="accepted for the sake of old files; the router's buffers have the size that is fastest",
)
SUBSCRIPTION_SLOT = Option(
    "fastrouter-subscription-slot",
    text,
    default="",
    help="accepted for the sake of old files, and without an effect, as in uWSGI",
)
FORCE_GATEWAY = Option(
    "force-gateway",
    flag,
    default=False,
    help="run a router without a master, as is always done here",
    bare="true",
)

BOUND = "uWSGI fastrouter bound on {} fd {}"
ABSTRACT = "setting abstract socket mode (warning: only Linux supports this)"
STATS_ENABLED = "*** fastrouter stats server enabled on {} fd: {} ***"
SLOT_IGNORED = "the subscription-slot option is deprecated and does nothing"


def configured(
    config: Config,
    instance: Sequence[Listener] = (),
    caches: Mapping[str, way3.Cache] | None = None,
) -> list[GatewayProcess]:
    """Bind the router's addresses and say which processes are to serve them.

    `instance` are the sockets of the workers, for fastrouter-use-socket.
    """
    if not config[FASTROUTER]:
        return []
    if config[SUBSCRIPTION_SLOT]:
        log.line(SLOT_IGNORED)
    listeners = [_bound(text_, where, config) for _, text_, where in config.in_order(FASTROUTER)]
    servers = subscription_doors.bound(config)
    stats = _stats(config)
    count = max(1, config[PROCESSES])
    parts = Parts(
        config,
        listeners,
        servers,
        stats,
        [way4.inbox() for _ in range(count)] if servers and count > 1 else [],
        table_handover.opened() if servers else table_handover.Handover(),
        tuple(listener.name for listener in instance),
        caches or {},
    )
    router_process.check(parts)
    return [
        GatewayProcess(f"uWSGI fastrouter {place + 1}", router_process.runner(parts, place))
        for place in range(count)
    ]


def _bound(text_: str, where: str, config: Config) -> Listener:
    """Bind one address of the router."""
    try:
        wanted = address.parse(text_)
    except ValueError as problem:
        raise OptionError(f"{where}: {FASTROUTER.name}: {problem}") from None
    if wanted.kind == "abstract":
        log.line(ABSTRACT)
    listener = sockets.listener(wanted, "uwsgi", config)
    log.line(BOUND.format(listener.name, listener.sock.fileno()))
    return listener


def _stats(config: Config) -> Listener | None:
    wanted = config[STATS]
    if wanted is None:
        return None
    try:
        where = address.parse(wanted)
    except ValueError as problem:
        raise OptionError(f"{config.where(STATS)}: {STATS.name}: {problem}") from None
    listener = sockets.listener(where, "stats", config)
    log.line(STATS_ENABLED.format(listener.name, listener.sock.fileno()))
    return listener
