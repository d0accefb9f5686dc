"""A listening socket, how it is called and where it came from.

Section:  ground / listening sockets; the listener
What:     the socket with what the rest of an instance wants to know about it.
Units:    none.
Errors:   none of its own.
"""

from __future__ import annotations

import os
import socket

from refuwsgi.address import Address


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
