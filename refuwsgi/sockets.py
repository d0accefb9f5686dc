"""Listening sockets: bound once, kept for life, shared by all who serve.

Section:  fastrouter / Cheap mode and shared sockets; shared sockets
What:     makes a `Listener` of what an operator wrote: binds it, takes it over from whoever
          started us or from the generation before, or finds the shared socket of its number.

              socket = 127.0.0.1:3031       bound
              socket = fd://3               taken over
              shared-socket = :80           bound, and named =0, =1 ... by others
              (descriptor 0, LISTEN_FDS)    taken over without being named

Units:    timeouts are seconds; a backlog counts connections.
Errors:   OptionError: the address is in use, cannot be resolved, may not be bound.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from refuwsgi import log, passing
from refuwsgi.address import Address, parse
from refuwsgi.binding import Tuning
from refuwsgi.binding import bind as bind
from refuwsgi.listeners import Listener as Listener
from refuwsgi.options import (
    JOIN,
    Config,
    Option,
    OptionError,
    flag,
    mode,
    number,
    octets,
    text,
    texts,
)
from refuwsgi.passing import before
from refuwsgi.passing import inherited as inherited
from refuwsgi.queues import backlog_of as backlog_of

LISTEN = Option(
    "listen",
    number,
    default=100,
    help="how many clients may wait to be accepted",
    aliases=("l",),
)
CHMOD_SOCKET: Option[int | None] = Option(
    "chmod-socket",
    mode,
    default=None,
    help="mode of the files of UNIX sockets",
    aliases=("chmod", "C"),
    bare="666",
)
CHOWN_SOCKET: Option[str | None] = Option(
    "chown-socket", text, default=None, help="user or user:group that UNIX sockets belong to"
)
SOCKET_TIMEOUT = Option(
    "socket-timeout",
    number,
    default=4,
    help="seconds that a client may take for each step",
    aliases=("z",),
)
REUSE_PORT = Option(
    "reuse-port",
    flag,
    default=False,
    help="let other instances listen on the same port",
    bare="true",
)
FREEBIND = Option(
    "freebind", flag, default=False, help="bind addresses that do not exist yet", bare="true"
)
SO_KEEPALIVE = Option(
    "so-keepalive", flag, default=False, help="probe connections that are silent", bare="true"
)
SO_SNDBUF = Option("socket-sndbuf", octets, default=0, help="the kernel's buffer for sending")
SO_RCVBUF = Option("socket-rcvbuf", octets, default=0, help="the kernel's buffer for receiving")
SHARED_SOCKET: Option[tuple[str, ...]] = Option(
    "shared-socket",
    texts,
    default=(),
    help="bind a socket that others call =0, =1 and so on",
    aliases=("undeferred-shared-socket",),
    repeat=JOIN,
)
SKIP_ZERO = Option(
    "skip-zero",
    flag,
    default=False,
    help="do not serve descriptor 0 if it is a socket",
    bare="true",
)
# What C uWSGI has to be asked for and we always do, or never do.
NO_DEFER_ACCEPT = Option(
    "no-defer-accept",
    flag,
    default=True,
    help="nothing: silent clients are timed out, not deferred",
    bare="true",
)
TCP_NODELAY = Option(
    "tcp-nodelay", flag, default=True, help="nothing: it is always on", bare="true"
)

REMOVED: Final = "VACUUM: unix socket {} removed."
NOT_OURS: Final = "VACUUM WARNING: unix socket {} changed inode. Skip removal"

_shared: dict[tuple[Config, int], Listener] = {}
_made: list[Listener] = []


def listener(address: Address, protocol: str, config: Config) -> Listener:
    """Make the listener for an address that the operator named."""
    if address.kind == "shared":
        return _mapped(address, protocol, config)
    found = before().take(address)
    again = found is not None
    if found is None:
        found = bind(
            address, backlog=config[LISTEN], mode=config[CHMOD_SOCKET], tuning=_tuning(config)
        )
    result = Listener(found, address, protocol)
    if address.kind == "fd":
        result.origin, result.fixed = "inherited", True
    if address.kind == "unix":
        result.file = _file(address.path)
    if again:
        result.origin = "inherited"
    _made.append(result)
    return result


def made() -> list[Listener]:
    """Every listener of this process, whoever asked for it."""
    return list(_made)


def _mapped(address: Address, protocol: str, config: Config) -> Listener:
    known = shared(config)
    if address.number >= len(known):
        raise OptionError(f"unable to use shared socket {address.number}")
    owner = known[address.number]
    found = Listener(owner.sock, owner.address, protocol, "mapped")
    found.address, found.name, found.file = address, owner.name, owner.file
    return found


def shared(config: Config) -> list[Listener]:
    """The shared sockets, bound at the first call."""
    found: list[Listener] = []
    named: tuple[str, ...] = config[SHARED_SOCKET]
    for place, words in enumerate(named):
        if (config, place) not in _shared:
            try:
                address = parse(words)
            except ValueError as problem:
                raise config.error(SHARED_SOCKET, f"an address ({problem})") from None
            _shared[config, place] = listener(address, "shared", config)
        found.append(_shared[config, place])
    return found


def _tuning(config: Config) -> Tuning:
    return Tuning(
        config[REUSE_PORT],
        config[FREEBIND],
        config[SO_KEEPALIVE],
        config[SO_SNDBUF],
        config[SO_RCVBUF],
        _owner(config),
    )


def _owner(config: Config) -> tuple[int, int] | None:
    words = config[CHOWN_SOCKET]
    if words is None:
        return None
    from refuwsgi.privileges import group_of, user_of

    user, _, group = words.partition(":")
    return (user_of(user) if user else -1), (group_of(group) if group else -1)


def export(listeners: Iterable[Listener]) -> dict[str, str]:
    """Keep these and the shared sockets over an exec; the result belongs into the environment."""
    return passing.export([*listeners, *_shared.values()])


def forget_rest() -> None:
    """Close the sockets of the generation before that nobody has asked for."""
    before().close()


def vacuum(listeners: Iterable[Listener]) -> None:
    """Remove the socket files that we have made and that are still ours."""
    for path, device, inode in dict.fromkeys(each.file for each in listeners if each.file):
        try:
            now = os.lstat(path)
            if (now.st_dev, now.st_ino) != (device, inode):
                log.line(NOT_OURS.format(path))
                continue
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as problem:
            log.line(f"VACUUM: {path}: {problem.strerror}")
            continue
        log.line(REMOVED.format(path))


def _file(path: str) -> tuple[str, int, int] | None:
    path = os.path.abspath(path)  # a later chdir must not change what it means
    try:
        now = os.lstat(path)
    except OSError:
        return None
    return path, now.st_dev, now.st_ino
