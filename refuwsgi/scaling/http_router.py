"""http: a process in front that speaks HTTP with the clients and uwsgi with the workers.

Section:  scaling / http
What:     binds the addresses, and says what the router's processes run.  They hold the clients,
          slow ones and silent ones, so that a core is busy only while it has something to do.

              clients ==HTTP==> uWSGI http 1 --uwsgi--> worker 1, worker 2, ...
                                    or, with http-to:   nodes that the operator names

Units:    none.
Errors:   OptionError before any process starts.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from refuwsgi import privileges
from refuwsgi.gateway import Gateway, GatewayProcess
from refuwsgi.gateway_straight import Serve, Straight
from refuwsgi.handles import handle_of, socket_of
from refuwsgi.options import JOIN, Config, Option, texts
from refuwsgi.protocol.uwsgi import buffer_size
from refuwsgi.scaling import (
    http_link,
    http_nodes,
    http_options,
    http_plain,
    http_processes,
    http_public,
    http_stats,
    https,
)
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_links import Links
from refuwsgi.scaling.http_public import Public
from refuwsgi.scaling.http_session import Session
from refuwsgi.scaling.http_straight import StraightSession
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    import ssl

HTTP: Option[tuple[str, ...]] = Option(
    "http",
    texts,
    default=(),
    help="speak HTTP on this address, in a process of its own; several addresses may be given",
    aliases=("httprouter",),
    repeat=JOIN,
)


class Parts(NamedTuple):
    """What the router processes share: bound before the first is started."""

    config: Config
    publics: Sequence[Public]
    stats: Listener | None
    own: Sequence[str]  # the addresses of the instance's own sockets
    link: str | None  # the one that leads to the workers
    stays: bool  # connections to it are kept


def configured(config: Config, instance: Sequence[Listener]) -> list[GatewayProcess]:
    """Bind the router's addresses and say which processes are to serve them."""
    publics = http_public.bound(config, HTTP)
    if not publics:
        return []
    link = http_link.target(instance)
    parts = Parts(
        config,
        publics,
        http_stats.bound(config),
        [each.name for each in instance],
        link.name if link else None,
        http_link.stays(link, config) and not http_nodes.standalone(config),
    )
    doors(parts)  # mistakes show now
    _ids(config)
    return http_processes.processes(config, functools.partial(run, parts))


def doors(parts: Parts, gateway: Gateway | None = None) -> list[RouterDoor]:
    """What the sessions of each address follow."""
    config = parts.config
    nodes = http_nodes.configured(config, parts.own, parts.link)
    own = not http_nodes.standalone(config)
    rules = http_options.rules(config, buffer_size(config) if own else 0xFFFF)
    leaving = (lambda: gateway.leaving) if gateway else (lambda: False)
    return http_public.doors(config, parts.publics, nodes, rules, leaving)


# -- a process


class Serving:
    """What a router process does with each client, by the address that it comes to."""

    def __init__(self) -> None:
        self.doors: dict[Any, Serve] = {}

    def add(self, listener: Listener, serve: Serve) -> None:
        """Serve the clients of one address."""
        self.doors[_place(listener.sock)] = serve

    def visit(self, client: int, peer: Any, straight: Straight) -> None:
        """Begin to serve one client."""
        place = _place(handle_of(client))
        found = self.doors.get(place)
        if found is None:  # the listener is bound to every address of this machine
            found = next(serve for known, serve in self.doors.items() if known[1] == place[1])
        found(client, peer, straight)


def serves(door: RouterDoor) -> Serve:
    """What is done with each client of one address."""
    if door.plain:
        return http_plain.serves(door)

    def patiently(client: int, peer: Any, straight: Straight) -> None:
        sock = socket_of(client, peer)
        if door.tls is not None:
            straight.task(_secure(door, door.tls, sock, peer))
        else:
            straight.turn(StraightSession(door, sock, peer, straight))

    return patiently


async def _secure(
    door: RouterDoor, with_: ssl.SSLContext, client: socket.SocketType, peer: Any
) -> None:
    secure = await https.shake_hands(client, with_, door.rules.headers_timeout)
    if secure is not None:
        await Session(door, secure, peer).run()


def _place(sock: socket.SocketType) -> tuple[Any, Any]:
    name = sock.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else (name, None)


def run(parts: Parts) -> int:
    """Be a router process until a signal says that it is enough."""
    privileges.become(*_ids(parts.config), [])
    serving = Serving()
    listeners = [each.listener for each in parts.publics]
    gateway = Gateway([each.sock for each in listeners], serving.visit)
    made = doors(parts, gateway)
    links = Links(gateway.straight) if parts.stays else None
    for listener, door in zip(listeners, made, strict=True):
        door.keep_links(links)
        serve = serves(door)
        serving.add(listener, serve)
        if len(made) == 1:
            gateway.serve = serve
        gateway.on_leaving.append(door.dismiss)
    if parts.stats is not None:
        names = [each.name for each in listeners]
        shown = http_stats.Shown(gateway, names, made[0].nodes)
        gateway.loop.spawn(http_stats.serve(parts.config, parts.stats, shown))
    return gateway.run()


def _ids(config: Config) -> tuple[int | None, int | None]:
    """The user and the group that a router process becomes."""
    if os.geteuid() != 0:
        return None, None
    uid, gid = config[http_options.UID], config[http_options.GID]
    return (
        None if uid is None else privileges.user_of(uid),
        None if gid is None else privileges.group_of(gid),
    )
