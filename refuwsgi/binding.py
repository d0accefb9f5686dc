"""Binding: from an address to a listening socket.

Section:  ground / listening sockets; binding
What:     makes sockets that listen, do not block and are closed on exec.  A UNIX socket has its
          mode from the first moment; a socket file is replaced only if nobody listens there.
Units:    a backlog counts connections.
Errors:   OptionError: the address is in use, cannot be resolved, may not be bound.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import Final, NamedTuple

from refuwsgi.address import Address
from refuwsgi.options import OptionError

IN_USE: Final = (
    "probably another instance of uWSGI is running on the same address ({}).\n"
    "bind(): Address already in use"
)
TOO_LONG: Final = "Listen queue size is greater than the system max net.core.somaxconn ({})."
SOMAXCONN: Final = "/proc/sys/net/core/somaxconn"

IP_FREEBIND: Final = 15


class Tuning(NamedTuple):
    """What the kernel is asked to do for a socket; 0 is as the kernel likes."""

    reuse_port: bool = False
    freebind: bool = False
    keepalive: bool = False
    send_buffer: int = 0  # bytes
    receive_buffer: int = 0  # bytes
    owner: tuple[int, int] | None = None  # uid and gid of a UNIX socket's file; -1 is unchanged


PLAIN: Final = Tuning()


def bind(
    address: Address,
    *,
    backlog: int = 100,
    mode: int | None = None,
    reuse_port: bool = False,
    tuning: Tuning = PLAIN,
) -> socket.socket:
    """Make the listening socket of an address."""
    check_backlog(backlog)
    if reuse_port:
        tuning = tuning._replace(reuse_port=True)
    try:
        if address.kind == "tcp":
            return _bind_tcp(address, backlog, tuning)
        if address.kind == "unix":
            return _bind_unix(address.path, backlog, mode, tuning)
        if address.kind == "abstract":
            # uWSGI: its abstract names have a closing NUL.
            name = b"\0" + os.fsencode(address.path) + b"\0"
            return _listening(socket.AF_UNIX, name, backlog, tuning)
        if address.kind == "fd":
            return of_descriptor(address.number)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise OptionError(IN_USE.format(address.text())) from None
        words = problem.strerror or str(problem)
        raise OptionError(f"bind(): {words} ({address.text()})") from None
    raise OptionError(f"{address.text()} cannot be bound")


def check_backlog(backlog: int) -> None:
    """Refuse a queue that the kernel would cut without a word."""
    try:
        with open(SOMAXCONN) as file:
            most = int(file.read())
    except (OSError, ValueError):
        return
    if backlog > most:
        raise OptionError(TOO_LONG.format(most))


def of_descriptor(number: int) -> socket.socket:
    """Take over a listening socket that somebody else has bound."""
    if (found := listening(number)) is None:
        raise OptionError(f"fd://{number} is not a listening socket")
    return found


def listening(number: int) -> socket.socket | None:
    """The listening socket that a descriptor is, if it is one."""
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return None
        found = socket.socket(fileno=number)
    except OSError:
        return None
    try:
        accepts = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        accepts = 0
    if not accepts:
        found.detach()  # not ours to close
        return None
    found.setblocking(False)
    found.set_inheritable(number == 0)  # whoever execs us finds descriptor 0 where it was
    return found


def _bind_tcp(address: Address, backlog: int, tuning: Tuning) -> socket.socket:
    family, name = _resolve(address)
    return _listening(family, name, backlog, tuning)


def _resolve(address: Address) -> tuple[int, tuple[str, int]]:
    if not address.host:
        return socket.AF_INET, ("0.0.0.0", address.port)  # noqa: S104
    # Bytes spare us the tables for names beyond ASCII: a megabyte for every process.
    host = address.host.encode() if address.host.isascii() else address.host
    try:
        found = socket.getaddrinfo(
            host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        # Departure: uWSGI binds 255.255.255.255, where nobody can connect.
        raise OptionError(f"unable to resolve the host {address.host!r}") from None
    # A name with both kinds of addresses gets the old kind, as in uWSGI.
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    family, _, _, _, name = found[0]
    return family, (str(name[0]), address.port)


def _listening(
    family: int, name: tuple[str, int] | str | bytes, backlog: int, tuning: Tuning
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _tune(sock, tuning)
        sock.bind(name)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _tune(sock: socket.socket, tuning: Tuning) -> None:
    # What is set on the listener its connections inherit.
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # An answer in two writes must not wait for the client's delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tuning.reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if tuning.freebind:
            sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        if tuning.keepalive:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if tuning.send_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, tuning.send_buffer)
    if tuning.receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, tuning.receive_buffer)


def _bind_unix(path: str, backlog: int, mode: int | None, tuning: Tuning) -> socket.socket:
    make_room(path)
    # There must be no instant in which the wrong people could connect.
    before = os.umask(0o777 & ~mode) if mode is not None else -1
    try:
        sock = _listening(socket.AF_UNIX, path, backlog, tuning)
    finally:
        if before >= 0:
            os.umask(before)
    try:
        if tuning.owner is not None:
            os.chown(path, *tuning.owner)
        if mode is not None:
            os.chmod(path, mode)
    except BaseException:
        sock.close()
        os.unlink(path)
        raise
    return sock


def make_room(path: str) -> None:
    """Remove the socket file that a dead process has left behind."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            # Departure: uWSGI removes whatever stands there, a file of yours, too.
            raise OptionError(f"bind(): {path} exists and is not a socket")
    except FileNotFoundError:
        return
    if _answers(path):
        # Departure: uWSGI takes the path away from whoever listens there.
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    os.unlink(path)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            pass  # a full queue, another type, no permission: somebody is there
        return True
