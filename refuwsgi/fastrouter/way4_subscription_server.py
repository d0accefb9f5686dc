"""Way 4: nodes announce themselves under the keys that they serve.

Section:  fastrouter / Way 4: --fastrouter-subscription-server
What:     receives announcements and feeds the table of `slots`, which then names the nodes.

    instance ---- datagram ----> server of one router process ---- table
                                            |                        ^
                                            +---- inbox of each -----+
                                                  other process

          The kernel gives a datagram to one process of several, which checks it and passes it on;
          what comes through an inbox was checked already, so signatures count in all of them.
Units:    seconds; `now` is monotonic.
Errors:   `OptionError` when an address cannot be bound.  A datagram that is no announcement, or is
          not believed, changes nothing.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from refuwsgi.fastrouter import sign_check
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscribed import Sender, Subscribed
from refuwsgi.gateway_rules import Asked, shown
from refuwsgi.options import JOIN, Option, flag, number, seconds, text, texts
from refuwsgi.protocol.subscription import LIMIT, Announcement
from refuwsgi.protocol.subscription_alike import AlikeAnnouncements

SUBSCRIPTION_SERVER = Option(
    "fastrouter-subscription-server",
    texts,
    default=(),
    help="receive the announcements of nodes here: UDP host:port, or the path of a UNIX socket",
    repeat=JOIN,
)
TOLERANCE = Option(
    "subscription-tolerance",
    seconds,
    default=17.0,
    help="take a node for dead that has not announced itself for this many seconds",
)
DOTSPLIT = Option(
    "subscription-dotsplit",
    flag,
    default=False,
    help="look an unknown key up again without its first label: a.b.c, .b.c, .c",
    bare="true",
)
MOUNTPOINTS = Option(
    "subscription-mountpoints",
    number,
    default=0,
    help="keys are host/path; look for the longest of up to this many parts of a request's path",
    aliases=("subscription-mountpoint",),
)
FALLBACK_KEY = Option(
    "fastrouter-subscription-fallback-key",
    text,
    default="",
    help="the key whose nodes serve requests for unknown keys",
)

CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid

Source = Any  # what recvmsg says of where a datagram came from
Forward = Callable[[Announcement], None]


class Subscriptions:
    """The chooser that the table of slots feeds."""

    again = True

    def __init__(self, table: Table, mountpoints: int) -> None:
        self.table = table
        self._mountpoints = mountpoints
        # Names the node that is to answer.
        self.choose: Callable[[Asked, float], Subscribed | None] = (
            self._mounted if mountpoints else table.choose
        )

    def _mounted(self, asked: Asked, now: float) -> Subscribed | None:
        if self.table.streams:
            self.table.hear()
        for key in mounted(asked.key, asked.path, self._mountpoints):
            if key in self.table.slots:
                return self.table.choose(asked, now, key)
        return self.table.choose(asked, now)

    def failed(self, target: Subscribed, asked: Asked, now: float) -> None:
        """Mark a node that did not take a connection."""
        target.running -= 1
        self.table.failed(target)

    def ended(self, target: Subscribed, received: int, sent: int) -> None:
        """Count a session as over."""
        target.received += received
        target.sent += sent
        if target.dead:
            self.table.ended(target)
        else:
            target.running -= 1


def mounted(key: bytes, path: bytes, depth: int) -> list[bytes]:
    """The keys with a mountpoint that a request may mean, the longest first."""
    # Beyond: uWSGI has this from 2.1 on.
    parts = path.split(b"/")[1 : depth + 1]
    return [
        key + b"/" + b"/".join(parts[:size]) for size in range(len(parts), 0, -1) if parts[size - 1]
    ]


class Server(NamedTuple):
    """A bound subscription server."""

    name: str
    sock: socket.socket


class Inbox(NamedTuple):
    """How a router process hears from the others."""

    ours: socket.socket
    theirs: socket.socket


def inbox() -> Inbox:
    """Make the inbox of one router process, before the first is started."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    return Inbox(ours, theirs)


class Receiver:
    """The subscription side of one router process."""

    def __init__(
        self,
        table: Table,
        *,
        others: Sequence[Inbox] = (),
        signatures: sign_check.Signatures | None = None,
        owners: tuple[str, ...] = (),
        forward: Forward | None = None,
    ) -> None:
        self._table = table
        self._others = others
        self._signatures = signatures
        self._owners = owners
        self._doubts = signatures is not None or bool(owners)
        self._forward = forward
        self._parse = AlikeAnnouncements().parse

    def take(
        self, datagram: bytes, inside: bool, sender: Sender, source: Source, now: float
    ) -> None:
        """Act on a datagram; `inside` when another router process has checked it."""
        if inside:
            sender, source, datagram = _unwrapped(datagram)
        said = self._parse(datagram if len(datagram) <= LIMIT else datagram[:LIMIT])
        if said is None or (said.protocol and said.protocol != b"uwsgi"):
            return
        if not inside:
            if self._doubts and not self._believes(said, sender):
                return
            for inbox in self._others:
                with contextlib.suppress(OSError):  # full: never wait for another process
                    inbox.theirs.send(_wrapped(sender, source, datagram[:LIMIT]))
            if self._forward is not None:
                self._forward(said)
        elif self._signatures is not None and said.sign:
            self._signatures.is_new(said, time.time())
        address = said.address.decode("latin-1")
        if address[0] == ":":
            address = placed(address, source)
        if said.withdraws:
            self._table.withdraw(said.key, address)
        elif self._table.announce(said, address, now, sender) and said.notify:
            notify(said, address)

    def _believes(self, said: Announcement, sender: Sender) -> bool:
        if self._owners and not sign_check.owns(self._owners, said.key, sender):
            return False
        return self._signatures is None or self._signatures.believes(said, sender, time.time())


def _wrapped(sender: Sender, source: Source, datagram: bytes) -> bytes:
    host = source[0].encode() if isinstance(source, tuple) else b""
    return CREDENTIALS.pack(*sender) + bytes([len(host)]) + host + datagram


def _unwrapped(message: bytes) -> tuple[Sender, Source, bytes]:
    sender = Sender(*CREDENTIALS.unpack_from(message))
    start = CREDENTIALS.size + 1
    end = start + message[start - 1]
    host = message[start:end].decode()
    return sender, (host, 0) if host else None, message[end:]


def placed(address: str, source: Source) -> str:
    """The address of a node that leaves its host out: the datagram's source tells."""
    host = source[0] if isinstance(source, tuple) else ""
    if not host or host.startswith("127.") or host == "::1":
        return address
    # Departure: uWSGI takes ``:3031`` for a port of the router's own machine.
    return f"[{host}]{address}" if ":" in host else f"{host}{address}"


def notify(said: Announcement, address: str) -> None:
    """Tell a node that it has been taken in; nobody minds if it does not hear."""
    target = said.notify.decode("latin-1")
    text_ = f"[subscription ack] {shown(said.key)} => new node: {shown(address)}".encode()
    host, colon, port = target.rpartition(":")
    with contextlib.suppress(OSError, ValueError):
        if colon and port.isdigit():
            # Departure: uWSGI notifies UNIX sockets only.
            socket.inet_pton(socket.AF_INET, host)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.sendto(text_, (host, int(port)))
        elif len(target) < 102:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.sendto(text_, target)
