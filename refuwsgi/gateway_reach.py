"""How a gateway reaches a node: connect, and send what goes at once.

Section:  ground / gateways; the way to a node
What:     on this machine connections are there at once, so `attempt` sends without having waited;
          `reach` goes on from there, and waits where the kernel says so.
Units:    seconds, bytes.
Errors:   `Unreached` when no connection came about; nothing has been sent then, and another node
          may be tried.  After that `NodeError`.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import Final

from refuwsgi.gateway_buffer import Bytes
from refuwsgi.loop import sleep, writable

BUSY: Final = 1.0  # how long a UNIX node's full queue is asked again
STREAM: Final = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
BEGUN: Final = (0, errno.EINPROGRESS)
NOT_YET: Final = (errno.EAGAIN, errno.ENOTCONN)
TAKEN: Final = (errno.EPIPE, errno.ECONNRESET)

NOT_CONNECTED: Final = -1
NOT_SENT: Final = -2

DESCRIPTOR: Final = struct.Struct("=i")

_rights: dict[int, tuple[tuple[int, int, bytes]]] = {}

Name = tuple[str, int] | str | bytes


class Unreached(Exception):
    """A node did not take the connection; `busy` when only its queue was full."""

    def __init__(self, reason: str, *, busy: bool = False) -> None:
        super().__init__(reason)
        self.busy = busy


class NodeError(Exception):
    """A node broke the connection that it had taken."""


# What has come of an attempt: the socket; the bytes that were sent, or NOT_CONNECTED, NOT_SENT;
# and for these the error that was the reason.
Begun = tuple[socket.SocketType, int, int]


def attempt(family: int, name: Name, data: Sequence[Bytes], passed: int = -1) -> Begun:
    """Connect and send what goes at once, without waiting.

    `passed` is a descriptor to send along, or -1.
    """
    sock = socket.SocketType(family, STREAM)
    try:
        if (error := sock.connect_ex(name)) not in BEGUN:
            return sock, NOT_CONNECTED, error
        return sock, *_try(sock, data, passed)
    except BaseException:
        sock.close()
        raise


def begun_with(
    node: socket.SocketType | None, sent: int, error: int, problem: BaseException
) -> Begun | None:
    """What has come of an attempt that was given up, unless the packet had gone by then."""
    if node is None:
        return None
    if sent >= 0:
        return node, sent, 0
    if isinstance(problem, OSError):
        return node, NOT_SENT, problem.errno or errno.EIO
    return node, NOT_CONNECTED, error


async def reach(
    family: int,
    names: tuple[Name, ...],
    data: Sequence[Bytes],
    passed: int,
    patience: float,
    begun: Begun | None = None,
) -> tuple[socket.SocketType, int]:
    """Connect and send what goes at once; also say how much went.

    `names` are forms of one address, tried in turn; `begun` is what came of the first of them.
    """
    last = Unreached("no address")
    for name in names:
        begun = begun or attempt(family, name, data, passed)
        sock, sent, error = begun
        begun = None
        try:
            if sent == NOT_CONNECTED:
                await _again(sock, name, error, patience)
                sent, error = _try(sock, data, passed)
            if sent >= 0:
                return sock, sent
            if error not in NOT_YET:
                raise _failed(error)
            return sock, await _late(sock, data, passed, patience)
        except Unreached as problem:
            sock.close()
            last = problem
        except BaseException:
            sock.close()
            raise
    raise last


async def _again(sock: socket.SocketType, name: Name, error: int, patience: float) -> None:
    """Ask a UNIX node whose queue is full again; a TCP one lets us wait in the kernel."""
    waited = 0.0
    while error not in BEGUN:
        if error != errno.EAGAIN or waited >= min(BUSY, patience):
            raise Unreached(os.strerror(error), busy=error == errno.EAGAIN)
        await sleep(0.02)
        waited += 0.02
        error = sock.connect_ex(name)


def _try(sock: socket.SocketType, data: Sequence[Bytes], passed: int) -> tuple[int, int]:
    """Send what goes: how much, and 0; or NOT_SENT, and why."""
    try:
        if passed >= 0:
            return sock.sendmsg(data, rights_of(passed)), 0
        return sock.send(data[0]) if len(data) == 1 else sock.sendmsg(data), 0
    except OSError as problem:
        return NOT_SENT, problem.errno or errno.EIO


def rights_of(descriptor: int) -> tuple[tuple[int, int, bytes]]:
    """What sends a descriptor along; made once for each number, of which there are not many."""
    found = _rights.get(descriptor)
    if found is None:
        found = _rights[descriptor] = (
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, DESCRIPTOR.pack(descriptor)),
        )
    return found


async def _late(
    sock: socket.SocketType, data: Sequence[Bytes], passed: int, patience: float
) -> int:
    """Send when the connection is there."""
    while True:
        try:
            await writable(sock, patience)
        except TimeoutError:
            raise Unreached("Connection timed out") from None
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Unreached(os.strerror(error))
        sent, error = _try(sock, data, passed)
        if sent >= 0:
            return sent
        if error not in NOT_YET:
            raise _failed(error)


def _failed(error: int) -> Exception:
    # Broken and reset: the node had taken the connection, so it is not for another to try.
    reason = os.strerror(error)
    return NodeError(reason) if error in TAKEN else Unreached(reason)
