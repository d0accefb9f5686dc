"""Handles: socket objects that stand for whoever has their number now.

Section:  ground / sockets; handles
What:     Python makes a socket object of a descriptor with a call to the kernel, and another to
          close it.  Most clients send once, receive once and go: for them the object of whoever
          had the number before will do.

              accept() --> 7    handle_of(7).recv(), .send(), os.close(7)
              accept() --> 7    the same handle

          A handle is never closed, and waits for nobody: each call that could is told not to.
Units:    none.
Errors:   none of its own.
"""

from __future__ import annotations

import socket
from typing import Any, Final

handles: Final[dict[int, socket.SocketType]] = {}


def handle_of(fd: int) -> socket.SocketType:
    """The handle of a number."""
    handle = handles.get(fd)
    if handle is None:
        # Of a family that need not be right: for what is done with it that makes no difference.
        handle = socket.SocketType(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd)
        handle = handles.setdefault(fd, handle)
    return handle


def socket_of(fd: int, peer: Any) -> socket.SocketType:
    """A socket object for this client alone, who closes it; `peer` is what accept() has said."""
    family = socket.AF_UNIX
    if isinstance(peer, tuple):
        family = socket.AF_INET if len(peer) == 2 else socket.AF_INET6
    return socket.SocketType(family, socket.SOCK_STREAM, 0, fd)
