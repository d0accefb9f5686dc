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
from typing import Any, NamedTuple

from refuwsgi import address, log, privileges, sockets
from refuwsgi.gateway import Gateway, GatewayProcess, Steps
from refuwsgi.options import JOIN, Config, Option, OptionError, texts
from refuwsgi.protocol.uwsgi import buffer_size
from refuwsgi.scaling import http_link, http_nodes, http_options, http_processes, http_stats
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_nodes import Nodes
from refuwsgi.scaling.http_packet import Packets
from refuwsgi.scaling.http_session import Session
from refuwsgi.sockets import Listener

HTTP: Option[tuple[str, ...]] = Option(
    "http",
    texts,
    default=(),
    help="speak HTTP on this address, in a process of its own; several addresses may be given",
    aliases=("httprouter",),
    repeat=JOIN,
)

BOUND = "uWSGI http bound on {} fd {}"


class Parts(NamedTuple):
    """What the router processes share: bound before the first is started."""

    config: Config
    listeners: Sequence[Listener]
    stats: Listener | None
    own: Sequence[str]  # the addresses of the instance's own sockets
    link: str | None  # the one that leads to the workers


def configured(config: Config, instance: Sequence[Listener]) -> list[GatewayProcess]:
    """Bind the router's addresses and say which processes are to serve them."""
    if not config[HTTP]:
        return []
    listeners = [_bound(text, where, config) for _, text, where in config.in_order(HTTP)]
    link = http_link.target(instance)
    parts = Parts(
        config,
        listeners,
        http_stats.bound(config),
        [each.name for each in instance],
        link.name if link else None,
    )
    doors(parts)  # mistakes show now
    _ids(config)
    return http_processes.processes(config, functools.partial(run, parts))


def _bound(text: str, where: str, config: Config) -> Listener:
    try:
        wanted = address.parse(text)
    except ValueError as problem:
        raise OptionError(f"{where}: {HTTP.name}: {problem}") from None
    listener = sockets.listener(wanted, "http", config)
    log.line(BOUND.format(listener.name, listener.sock.fileno()))
    return listener


def doors(parts: Parts, gateway: Gateway | None = None) -> list[RouterDoor]:
    """What the sessions of each address follow."""
    config = parts.config
    nodes = http_nodes.configured(config, parts.own, parts.link)
    own = not http_nodes.standalone(config)
    rules = http_options.rules(config, buffer_size(config) if own else 0xFFFF)
    return [_door(config, each, nodes, rules, gateway) for each in parts.listeners]


def _door(
    config: Config,
    listener: Listener,
    nodes: Nodes,
    rules: http_options.Rules,
    gateway: Gateway | None,
) -> RouterDoor:
    tcp = listener.sock.family != socket.AF_UNIX
    name = "" if config[http_options.SERVER_NAME_AS_HOST] else socket.gethostname()
    fixed = [("SERVER_NAME", name)] if name else []
    fixed += [
        ("SERVER_PORT", listener.name.rpartition(":")[2] if tcp else "80"),
        ("UWSGI_ROUTER", "http"),
    ]
    packets = Packets(
        fixed,
        http_options.variables(config),
        name_is_host="" if name else socket.gethostname(),
        limit=rules.largest_packet,
    )
    modifiers = config[http_options.MODIFIER1], config[http_options.MODIFIER2]
    if max(modifiers) > 255:
        option = http_options.MODIFIER1 if modifiers[0] > 255 else http_options.MODIFIER2
        raise config.error(option, "a number up to 255")
    return RouterDoor(
        rules,
        nodes,
        packets,
        tcp=tcp,
        modifiers=modifiers,
        leaving=(lambda: gateway.leaving) if gateway else lambda: False,
    )


# -- a process


class Serving:
    """What a router process does with each client."""

    def __init__(self) -> None:
        self.doors: dict[Any, RouterDoor] = {}
        self.only: RouterDoor | None = None

    def add(self, listener: Listener, door: RouterDoor) -> None:
        """Serve the clients of one address."""
        self.only = None if self.doors else door
        self.doors[_place(listener.sock)] = door

    def visit(self, client: socket.SocketType, peer: Any) -> Steps:
        """Serve one client."""
        return Session(self.only or self._door_of(client), client, peer).run()

    def _door_of(self, client: socket.SocketType) -> RouterDoor:
        place = _place(client)
        found = self.doors.get(place)
        if found is None:  # the listener is bound to every address of this machine
            found = next(door for known, door in self.doors.items() if known[1] == place[1])
        return found


def _place(sock: socket.SocketType) -> tuple[Any, Any]:
    name = sock.getsockname()
    return (name, None) if sock.family == socket.AF_UNIX else (name[0], name[1])


def run(parts: Parts) -> int:
    """Be a router process until a signal says that it is enough."""
    privileges.become(*_ids(parts.config), [])
    serving = Serving()
    gateway = Gateway([each.sock for each in parts.listeners], brief=serving.visit)
    made = doors(parts, gateway)
    for listener, door in zip(parts.listeners, made, strict=True):
        serving.add(listener, door)
        gateway.on_leaving.append(door.dismiss)
    if parts.stats is not None:
        names = [each.name for each in parts.listeners]
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
