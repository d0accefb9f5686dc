"""The sockets on which a subscription server listens.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; its sockets
What:     binds UDP for ``host:port``, a UNIX datagram socket for a path or an ``@name``; joins the
          group of a multicast address.
Errors:   `OptionError` when an address is none, or somebody else has it.
"""

from __future__ import annotations

import os
import socket
import struct

from refuwsgi import log, passing
from refuwsgi.address import Address, parse
from refuwsgi.binding import make_room
from refuwsgi.fastrouter.sign_check import CREDENTIALS_CHECK, USE_CREDENTIALS
from refuwsgi.fastrouter.way4_subscription_server import SUBSCRIPTION_SERVER, Server
from refuwsgi.options import Config, OptionError
from refuwsgi.sockets import CHMOD_SOCKET

BOUND = "uWSGI fastrouter subscription server bound on {} fd {}"


def bound(config: Config) -> list[Server]:
    """Bind every subscription server."""
    credentials = config[USE_CREDENTIALS] or bool(config[CREDENTIALS_CHECK])
    mode = config[CHMOD_SOCKET]
    servers = []
    for _, text, where in config.in_order(SUBSCRIPTION_SERVER):
        try:
            address = parse(text)
            sock, name = _kept(text) or (
                _udp(address) if address.kind == "tcp" else _unix(address, mode)
            )
        except (ValueError, OSError) as problem:
            # Departure: uWSGI says so, and runs on deaf.
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise OptionError(f"{where}: {SUBSCRIPTION_SERVER.name}: {text}: {reason}") from None
        if credentials and sock.family == socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        log.line(BOUND.format(name, sock.fileno()))
        passing.keep(f"{SUBSCRIPTION_SERVER.name} {text}", sock.fileno())
        servers.append(Server(name, sock))
    return servers


def _kept(text: str) -> tuple[socket.socket, str] | None:
    """The socket that the generation before had bound for this value."""
    # Departure: uWSGI closes it and binds another; what is sent meanwhile is lost.
    fd = passing.kept(f"{SUBSCRIPTION_SERVER.name} {text}")
    if fd < 0:
        return None
    sock = socket.socket(fileno=fd)
    return sock, name_of(sock, parse(text))


def _udp(address: Address) -> tuple[socket.socket, str]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.bind((address.host, address.port))
        if family == socket.AF_INET and is_multicast(address.host):
            group = struct.pack("4s4s", socket.inet_aton(address.host), b"\0\0\0\0")
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except OSError:
        sock.close()
        raise
    return sock, name_of(sock, address)


def name_of(sock: socket.socket, address: Address) -> str:
    """The name of a server: as it was given, with the real port."""
    if address.kind != "tcp":
        return address.path if address.kind == "unix" else address.text()
    host = f"[{address.host}]" if sock.family == socket.AF_INET6 else address.host
    return f"{host}:{sock.getsockname()[1]}"


def is_multicast(host: str) -> bool:
    """Say whether an address is that of a group."""
    first = host.partition(".")[0]
    return first.isdigit() and 224 <= int(first) <= 239


def _unix(address: Address, mode: int | None) -> tuple[socket.socket, str]:
    if address.kind not in ("unix", "abstract"):
        raise ValueError("expected host:port or the path of a UNIX socket")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if address.kind == "abstract":
            # Departure: uWSGI makes a file whose name begins with an @.
            sock.bind("\0" + address.path.lstrip("@\0") + "\0")
            return sock, address.text()
        make_room(address.path)
        sock.bind(address.path)
        if mode is not None:
            os.chmod(address.path, mode)
    except (OptionError, OSError):
        sock.close()
        raise
    return sock, address.path
