"""The doors: every socket that the workers serve, bound once before the first fork.

Section:  ground / the server; the listening sockets of the workers
What:     binds what `socket`, `http-socket` and their kin name, in the order of the file; takes
          over what came from the generation before, from the emperor (descriptor 0), or from
          whoever activates sockets.
Units:    sizes are bytes, timeouts seconds.
Errors:   OptionError for an address that is none, or that somebody else has.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

from refuwsgi import address, log, passing, sockets
from refuwsgi.options import Config, OptionError
from refuwsgi.protocol.http import MAX_VARS
from refuwsgi.protocol.uwsgi import buffer_size
from refuwsgi.scaling import http_link
from refuwsgi.scaling.cores import Door
from refuwsgi.scaling.http_socket import HTTP11_SOCKET, HTTP_SOCKET, HttpDoor
from refuwsgi.scaling.uwsgi_socket import PROTOCOL, SOCKET, UwsgiDoor
from refuwsgi.server import reload
from refuwsgi.sockets import Listener

if TYPE_CHECKING:
    import ssl

    from refuwsgi.scaling.https import Certified

PROTOCOLS = ("uwsgi", "http", "http11")


def bound(config: Config) -> list[Listener]:
    """Bind every socket of the workers."""
    plain = config[PROTOCOL]
    if plain not in PROTOCOLS:
        raise config.error(PROTOCOL, "uwsgi, http or http11")
    spoken = {SOCKET: plain, HTTP_SOCKET: "http", HTTP11_SOCKET: "http11"}
    if config.asks_for("https-socket"):
        from refuwsgi.scaling.https_socket import HTTPS_SOCKET

        spoken[HTTPS_SOCKET] = "https"
    came = [each for each in passing.inherited(plain) if each.fd or not config[sockets.SKIP_ZERO]]
    found = []
    for option, text, where in config.in_order(*spoken):
        certified = _certified(text, where) if spoken[option] == "https" else None
        for one in [certified.address] if certified is not None else text.split(","):
            try:
                wanted = address.parse(one.strip())
            except ValueError as problem:
                raise OptionError(f"{where}: {option.name}: {problem}") from None
            if (same := _same(wanted, came)) is None:
                found.append(sockets.listener(wanted, spoken[option], config))
            elif wanted.kind != "fd":
                # Departure: uWSGI binds it a second time, or fails to.
                log.line(ALREADY.format(where, option.name, one.strip(), same.fd))
            if same is not None:
                same.protocol = spoken[option]
            if certified is not None:
                _load(certified, where, same or found[-1])
    for each in came:
        _narrow(each, config)
    found += came
    if http_link.needed(config, found):
        found.append(http_link.bound(config))
    return found


_contexts: dict[int, ssl.SSLContext] = {}  # descriptor of an https-socket -> who we are there


def _certified(text: str, where: str) -> Certified:
    from refuwsgi.scaling import https

    return https.split(text, where, "https-socket")


def _load(certified: Certified, where: str, listener: Listener) -> None:
    """Load the key now, while we may still read it; the workers inherit what was loaded."""
    from refuwsgi.scaling import https

    _contexts[listener.sock.fileno()] = https.context(certified, where, "https-socket")


ALREADY = "{}: {} = {} is descriptor {} already, which is served as it is: the line can go"


def _same(wanted: address.Address, came: list[Listener]) -> Listener | None:
    """Find the socket that came with the process and has the address that is asked for."""
    if not came:
        return None
    from refuwsgi.vassals import own_socket

    for each in came:
        by_number = wanted.kind == "fd" and wanted.number == each.fd
        if by_number or own_socket.is_address_of(wanted.text(), each.sock):
            return each
    return None


def _narrow(listener: Listener, config: Config) -> None:
    """Obey chmod-socket for the UNIX socket that an emperor has handed to us."""
    path, mode = listener.sock.getsockname(), config[sockets.CHMOD_SOCKET]
    if mode is None or not isinstance(path, str) or not path or reload.generation():
        return
    try:
        os.chmod(path, mode)
    except OSError as problem:
        log.line(f"chmod(): {problem.strerror}: {path}")


# An accepted TCP socket inherits this from its listener, for no call: a read that finds nothing
# comes back so soon, and only then is there a reason to sleep in poll().
IMPATIENCE = struct.pack("ll", 0, 20_000)


def doors(listeners: list[Listener], config: Config, *, measured: bool = False) -> list[Door]:
    """Say how each listening socket is served; `measured`: somebody asks for sizes of packets."""
    limit, timeout = buffer_size(config), config[sockets.SOCKET_TIMEOUT]
    found: list[Door] = []
    for listener in listeners:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, IMPATIENCE)
        if listener.protocol == "uwsgi":
            takes = not config[passing.NO_FD_PASSING]
            stays = http_link.stays(listener, config)
            found.append(UwsgiDoor(listener, limit, timeout, takes=takes, stays=stays))
        elif (with_ := _contexts.get(listener.sock.fileno())) is not None:
            from refuwsgi.scaling.https_socket import HttpsDoor

            most = 2 * config[MAX_VARS]
            found.append(HttpsDoor(listener, limit, timeout, with_=with_, most=most))
        else:
            keep = listener.protocol == "http11"
            door = HttpDoor(listener, limit, timeout, keep=keep, most=2 * config[MAX_VARS])
            door.measures = measured
            found.append(door)
    return found
