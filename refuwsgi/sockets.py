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
import socket
from collections.abc import Iterable, Mapping
from typing import Final

from refuwsgi import log
from refuwsgi.address import Address, parse
from refuwsgi.binding import Tuning, bind, listening
from refuwsgi.binding import backlog_of as backlog_of
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

PASSED: Final = "REFUWSGI_SOCKET_"  # in the environment: descriptor -> what it was bound for
REMOVED: Final = "VACUUM: unix socket {} removed."
NOT_OURS: Final = "VACUUM WARNING: unix socket {} changed inode. Skip removal"


class Listener:
    """A listening socket, how it is called, and what is spoken behind it."""

    __slots__ = ("address", "file", "fixed", "fd", "name", "origin", "protocol", "sock")

    def __init__(
        self, sock: socket.socket, address: Address, protocol: str, origin: str = "bound"
    ) -> None:
        self.sock = sock
        self.address = address  # as configured
        self.protocol = protocol
        self.origin = origin  # "bound", "inherited", "mapped"
        self.name = name_of(sock, address)
        self.fd = sock.fileno()  # as it is to be shown
        self.fixed = False  # is found again by the number of its descriptor
        self.file: tuple[str, int, int] | None = None  # path, device, inode: what we have made

    def announcement(self, number: int) -> str:
        """Say what the number-th socket is, in the words of uWSGI."""
        kind = "UNIX" if self.sock.family == socket.AF_UNIX else "TCP"
        if self.origin == "inherited":
            kind = "UNIX" if kind == "UNIX" else "INET"
            return f"uwsgi socket {number} inherited {kind} address {self.name} fd {self.fd}"
        if self.origin == "mapped":
            place = f"shared socket {self.address.number} ({self.name})"
            return f"uwsgi socket {number} mapped to {place} fd {self.fd}"
        auto = " (port auto-assigned)" if kind == "TCP" and not self.address.port else ""
        return f"uwsgi socket {number} bound to {kind} address {self.name}{auto} fd {self.fd}"


def name_of(sock: socket.socket, address: Address) -> str:
    """How a socket is called: the address as written, with the port that it has got."""
    if address.kind in ("unix", "abstract"):
        return address.text()
    found = sock.getsockname()
    if sock.family != socket.AF_UNIX:
        host, port = found[:2]
        if address.kind == "tcp":
            return address._replace(port=port).text()
        return Address("tcp", host=host, port=port).text()
    if isinstance(found, bytes):
        return "@" + os.fsdecode(found.strip(b"\0"))
    return str(found)


class _Before:
    """Sockets of the generation before: they are found again by what they were bound for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._left: dict[str, list[socket.socket]] = {}
        for name, what in sorted(environ.items()):
            if name.startswith(PASSED) and (found := _listening(name[len(PASSED) :])):
                self._left.setdefault(what, []).append(found)

    def take(self, address: Address) -> socket.socket | None:
        """The socket that was bound for this address."""
        found = self._left.get(address.text())
        return found.pop(0) if found else None

    def close(self) -> None:
        """Let go of those that nobody wants any more."""
        for sockets in self._left.values():
            for sock in sockets:
                sock.close()
        self._left.clear()


def _listening(number: str) -> socket.socket | None:
    return listening(int(number)) if number.isdigit() else None


class _Sockets:
    """What the functions below share."""

    before: _Before | None = None
    shared: dict[tuple[Config, int], Listener] = {}


def _before() -> _Before:
    if _Sockets.before is None:
        _Sockets.before = _Before(os.environ)
        for name in [name for name in os.environ if name.startswith(PASSED)]:
            del os.environ[name]  # not for the programs that the application starts
    return _Sockets.before


def listener(address: Address, protocol: str, config: Config) -> Listener:
    """Make the listener for an address that the operator named."""
    if address.kind == "shared":
        return _mapped(address, protocol, config)
    found = _before().take(address)
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
    return result


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
    for place, words in enumerate(config[SHARED_SOCKET]):
        if (config, place) not in _Sockets.shared:
            try:
                address = parse(words)
            except ValueError as problem:
                raise config.error(SHARED_SOCKET, f"an address ({problem})") from None
            _Sockets.shared[config, place] = listener(address, "shared", config)
        found.append(_Sockets.shared[config, place])
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


def inherited(protocol: str, *, taken: Iterable[Listener] = ()) -> list[Listener]:
    """Sockets that came with the process: descriptor 0, and those that LISTEN_FDS counts."""
    known = {each.fd for each in taken}
    found = []
    for fd in (0, *_activated()):
        if fd in known or (sock := listening(fd)) is None:
            continue
        if fd == 0:
            # A child of `multiprocessing` closes descriptor 0; the duplicate lives on.
            copy = sock.dup()
            sock.detach()
            copy.setblocking(False)
            sock = copy
        result = Listener(sock, Address("fd", number=fd), protocol, "inherited")
        result.fd, result.fixed = fd, True
        found.append(result)
    return found


def _activated() -> range:
    """The descriptors that a service manager says it has passed to us."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return range(0)
    count = os.environ.get("LISTEN_FDS", "")
    return range(3, 3 + int(count)) if count.isdigit() and len(count) < 5 else range(0)


def export(listeners: Iterable[Listener]) -> dict[str, str]:
    """Keep these sockets over an exec; the result belongs into the environment."""
    found = {}
    for each in [*listeners, *_Sockets.shared.values()]:
        if each.origin == "mapped":
            continue
        if each.fd != 0:
            each.sock.set_inheritable(True)
        if not each.fixed:
            found[f"{PASSED}{each.sock.fileno():06}"] = each.address.text()
    return found


def forget_rest() -> None:
    """Close the sockets of the generation before that nobody has asked for."""
    _before().close()


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
