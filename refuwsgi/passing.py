"""Passed sockets: those that come into a process from another.

Section:  ground / listening sockets; passed ones
What:     finds the sockets that came with the process (descriptor 0 from an emperor, LISTEN_FDS
          from a service manager), and hands our own to the next generation over an exec, so
          that a reload neither closes nor binds a socket.  `received` reads from a conversation
          whose peer may pass the descriptor of its client along with the first bytes.
Units:    bytes.
Errors:   none; what is no listening socket is left alone.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from refuwsgi.address import Address
from refuwsgi.binding import listening
from refuwsgi.handles import handle_of, handles
from refuwsgi.listeners import Listener
from refuwsgi.options import Option, flag

NO_FD_PASSING = Option(
    "no-fd-passing",
    flag,
    default=False,
    help="neither pass a client's descriptor to a node on a UNIX socket nor take one",
    bare="true",
)

PASSED: Final = "REFUWSGI_SOCKET_"  # in the environment: descriptor -> what it was bound for
KEPT: Final = "REFUWSGI_KEPT_"  # the same for what is no listening socket: descriptor -> its name


class Before:
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


class _State:
    before: Before | None = None
    came: list[Listener] = []
    kept: dict[str, int] = {}


def before() -> Before:
    """The sockets of the generation before."""
    if _State.before is None:
        _State.before = Before(os.environ)
        for name in [name for name in os.environ if name.startswith(PASSED)]:
            del os.environ[name]  # not for the programs that the application starts
    return _State.before


def export(listeners: Iterable[Listener]) -> dict[str, str]:
    """Keep these sockets over an exec; the result belongs into the environment."""
    found = {}
    for each in [*_State.came, *listeners]:
        if each.origin == "mapped":
            continue
        if each.fd != 0:
            each.sock.set_inheritable(True)
        if not each.fixed:
            found[f"{PASSED}{each.sock.fileno():06}"] = each.address.text()
    for name, fd in _State.kept.items():
        os.set_inheritable(fd, True)
        found[f"{KEPT}{fd}"] = name
    return found


def keep(name: str, fd: int) -> None:
    """Have a descriptor stay open over a reload; `kept` finds it again by its name."""
    _State.kept[name] = fd


def kept(name: str) -> int:
    """The descriptor of that name that the generation before has kept; -1 if there is none."""
    for found, called in list(os.environ.items()):
        if found.startswith(KEPT) and called == name:
            del os.environ[found]
            fd = int(found[len(KEPT) :])
            os.set_inheritable(fd, False)
            return fd
    return -1


def inherited(protocol: str, *, taken: Iterable[Listener] = ()) -> list[Listener]:
    """Sockets that came with the process: descriptor 0, and those that LISTEN_FDS counts."""
    known = {each.fd for each in taken}
    found = []
    for fd in (0, *_activated()):
        if fd in known or (sock := listening(fd)) is None:
            continue
        if fd == 0:
            # Each child of ours closes descriptor 0; the duplicate lives on.
            copy = sock.dup()
            sock.detach()
            copy.setblocking(False)
            sock = copy
        result = Listener(sock, Address("fd", number=fd), protocol, "inherited")
        result.fd, result.fixed = fd, True
        found.append(result)
    _State.came += found
    return found


def _activated() -> range:
    """The descriptors that a service manager says it has passed to us."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return range(0)
    count = os.environ.get("LISTEN_FDS", "")
    return range(3, 3 + int(count)) if count.isdigit() and len(count) < 5 else range(0)


# -- the descriptor of a client

ONE: Final = socket.CMSG_LEN(4)  # room for one descriptor: the kernel closes what does not fit

AT_ONCE: Final = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC


def received(fd: int, size: int) -> tuple[bytes, int]:
    """Read what a UNIX stream has: some bytes, and the socket that came with them, or -1.

    BlockingIOError when there is nothing yet: an accepted UNIX socket inherits no timeout from
    its listener, so nobody may sleep in the reading.
    """
    data, extra, _, _ = (handles.get(fd) or handle_of(fd)).recvmsg(size, ONE, AT_ONCE)
    return data, _client_in(extra) if extra else -1


def _client_in(extra: list[tuple[int, int, bytes]]) -> int:
    """The descriptor of a client, made to wait for nobody; what is no socket is closed."""
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS) and len(data) == 4:
            fd = int.from_bytes(data, sys.byteorder)
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.set_blocking(fd, False)
                return fd
            os.close(fd)
    return -1
