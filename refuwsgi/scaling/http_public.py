"""The public addresses of the HTTP router: plain ones, TLS ones, and those that redirect.

Section:  scaling / http; its addresses
What:     binds them in the order http, https, http-to-https, and makes the door of each.
Units:    none.
Errors:   OptionError for an address that is none or is taken, and for what TLS needs.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from refuwsgi import address, log, sockets
from refuwsgi.options import Config, OptionError
from refuwsgi.scaling import http_options, https
from refuwsgi.scaling.http_door import RouterDoor
from refuwsgi.scaling.http_nodes import Nodes
from refuwsgi.scaling.http_options import Rules
from refuwsgi.scaling.http_packet import Packets
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    import ssl

BOUND = "uWSGI http bound on {} fd {}"


class Public(NamedTuple):
    """A public address."""

    listener: Listener
    tls: ssl.SSLContext | None = None
    redirects: bool = False


def bound(config: Config, plain: Any) -> list[Public]:
    """Bind every address; `plain` is the option that names the plain ones."""
    found = [
        Public(_bound(text, where, "http", config)) for _, text, where in config.in_order(plain)
    ]
    for wanted, where in https.asked(config):
        context = https.context(wanted, where)
        found.append(Public(_bound(wanted.address, where, "https", config), context))
    for _, text, where in config.in_order(https.TO_HTTPS):
        listener = _bound(text, where, "http-to-https", config)
        found.append(Public(listener, redirects=True))
    return found


def _bound(text: str, where: str, name: str, config: Config) -> Listener:
    try:
        wanted = address.parse(text)
    except ValueError as problem:
        raise OptionError(f"{where}: {name}: {problem}") from None
    listener = sockets.listener(wanted, "https" if name == "https" else "http", config)
    log.line(BOUND.format(listener.name, listener.sock.fileno()))
    return listener


def doors(
    config: Config,
    publics: Sequence[Public],
    nodes: Nodes,
    rules: Rules,
    leaving: Callable[[], bool] = lambda: False,
) -> list[RouterDoor]:
    """Make the door of each address."""
    modifiers = config[http_options.MODIFIER1], config[http_options.MODIFIER2]
    for option in (http_options.MODIFIER1, http_options.MODIFIER2):
        if config[option] > 255:
            raise config.error(option, "a number up to 255")
    secure = next((_port(each.listener) for each in publics if each.tls), "")
    return [
        RouterDoor(
            rules,
            nodes,
            _packets(config, each, rules.largest_packet),
            tcp=each.listener.sock.family != socket.AF_UNIX,
            modifiers=modifiers,
            leaving=leaving,
            tls=each.tls,
            redirects_to=secure if each.redirects else None,
        )
        for each in publics
    ]


def _port(listener: Listener) -> str:
    # uWSGI: behind a UNIX socket it is the port of HTTP.
    tcp = listener.sock.family != socket.AF_UNIX
    return str(listener.sock.getsockname()[1]) if tcp else "80"


def _packets(config: Config, public: Public, limit: int) -> Packets:
    here = socket.gethostname()
    from_host = config[http_options.SERVER_NAME_AS_HOST]
    fixed = [] if from_host else [("SERVER_NAME", here)]
    fixed += [("SERVER_PORT", _port(public.listener)), ("UWSGI_ROUTER", "http")]
    if public.tls is not None:
        fixed.append(("HTTPS", "on"))
    return Packets(
        fixed,
        http_options.variables(config),
        name_is_host=here if from_host else "",
        limit=limit,
    )
