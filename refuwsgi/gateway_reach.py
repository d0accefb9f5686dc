"""How a gateway reaches a node: connect, and send what goes at once.

Section:  ground / gateways; the way to a node
What:     on this machine connections are there at once, so `reach` sends without having waited,
          and waits only when the kernel says so.
Units:    seconds, bytes.
Errors:   `Unreached` when no connection came about; nothing has been sent then, and another node
          may be tried.  After that `NodeError`.
"""

from __future__ import annotations

import array
import errno
import os
import socket
from typing import Final

from refuwsgi.loop import sleep, writable

BUSY: Final = 1.0  # how long a UNIX node's full queue is asked again
STREAM: Final = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
BEGUN: Final = (0, errno.EINPROGRESS)
NOT_YET: Final = (errno.EAGAIN, errno.ENOTCONN)

Name = tuple[str, int] | str | bytes


class Unreached(Exception):
    """A node did not take the connection; `busy` when only its queue was full."""

    def __init__(self, reason: str, *, busy: bool = False) -> None:
        super().__init__(reason)
        self.busy = busy


class NodeError(Exception):
    """A node broke the connection that it had taken."""


async def reach(
    family: int, names: tuple[Name, ...], data: list[memoryview], passed: int, patience: float
) -> tuple[socket.SocketType, int]:
    """Connect and send what goes at once; also say how much went.

    `names` are forms of one address, tried in turn.  `passed` is a descriptor to send along, or -1.
    """
    last = Unreached("no address")
    for name in names:
        sock = socket.SocketType(family, STREAM)
        try:
            if (error := sock.connect_ex(name)) not in BEGUN:
                await _again(sock, name, error, patience)
            try:
                return sock, _send(sock, data, passed)
            except OSError as problem:
                if problem.errno not in NOT_YET:
                    raise _failed(problem) from None
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


def _send(sock: socket.SocketType, data: list[memoryview], passed: int) -> int:
    if passed >= 0:
        rights = array.array("i", (passed,))
        return sock.sendmsg(data, ((socket.SOL_SOCKET, socket.SCM_RIGHTS, rights),))
    return sock.send(data[0]) if len(data) == 1 else sock.sendmsg(data)


async def _late(
    sock: socket.SocketType, data: list[memoryview], passed: int, patience: float
) -> int:
    """Send when the connection is there."""
    while True:
        try:
            await writable(sock, patience)
        except TimeoutError:
            raise Unreached("Connection timed out") from None
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise Unreached(os.strerror(error))
        try:
            return _send(sock, data, passed)
        except OSError as problem:
            if problem.errno not in NOT_YET:
                raise _failed(problem) from None


def _failed(problem: OSError) -> Exception:
    # Broken and reset: the node had taken the connection, so it is not for another to try.
    if isinstance(problem, (BrokenPipeError, ConnectionResetError)):
        return NodeError(problem.strerror)
    return Unreached(problem.strerror or "")
