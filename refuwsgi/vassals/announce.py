"""Asleep, yet announced: the emperor tells routers about vassals that sleep.

Section: vassals / On demand vassals (socket activation); asleep, yet announced
What: a vassal that sleeps cannot announce itself, so a router does not know it and nobody wakes it.
      Its emperor has the socket, and announces that:

          emperor-announce = 127.0.0.1:7000:*.example.com

          shop.ini, on demand on /run/shop.sock  ->  key shop.example.com, address /run/shop.sock

      The first request under the key goes from the router to the socket, and that wakes the
      vassal.  Every vassal on demand is announced, asleep or not; one that is held back because it
      died at once is withdrawn until its next chance.
Value: SERVER:KEY; SERVER is host:port or begins with a slash, ``*`` in KEY is the vassal's name
      without its path and its last extension.
Units: seconds.
Errors: `OptionError` for a value of another form.  A router that does not listen is said once; it
      may come later.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from typing import NamedTuple

from refuwsgi import log
from refuwsgi.loop import sleep
from refuwsgi.options import JOIN, Config, Option, OptionError, texts

# Beyond: in C a vassal that sleeps is not known to any router.
ANNOUNCE: Option[tuple[str, ...]] = Option(
    "emperor-announce",
    texts,
    default=(),
    help="tell the router at SERVER of every vassal on demand, as SERVER:KEY; * is its name",
    repeat=JOIN,
)

VALUE = re.compile(r"(?P<server>/[^:]*|\[[^\]]*\]:\d+|[^:/]*:\d+):(?P<key>.+)", re.DOTALL)
PERIOD = 5.0  # a router that has just been started is not to wait for long
UNCHANGED = ("0.0.0.0", "::")


class Router(NamedTuple):
    """Somebody who is to know."""

    family: int
    target: tuple[str, int] | str
    key: str

    def key_of(self, vassal: str) -> str:
        """Make the key of a vassal."""
        name = vassal.rpartition("/")[2]
        return self.key.replace("*", name.rpartition(".")[0] or name)


class Herald:
    """Announces the sockets of vassals."""

    def __init__(self, routers: Sequence[Router]) -> None:
        self._routers = routers
        self._known: dict[str, str] = {}  # vassal -> address
        self._ways: dict[int, socket.socket] = {}
        self._trouble = ""

    async def run(self) -> None:
        """Announce everybody, again and again."""
        while True:
            await sleep(PERIOD)
            for vassal, address in self._known.items():
                self._say(vassal, address, withdraws=False)

    def announce(self, vassal: str, sock: socket.socket) -> None:
        """Say that a vassal can be reached at its socket."""
        self._known[vassal] = address_of(sock)
        self._say(vassal, self._known[vassal], withdraws=False)

    def withdraw(self, vassal: str) -> None:
        """Say that a vassal cannot be reached any more."""
        address = self._known.pop(vassal, None)
        if address is not None:
            self._say(vassal, address, withdraws=True)

    def close(self) -> None:
        """Let go of the sockets."""
        for way in self._ways.values():
            way.close()

    def _say(self, vassal: str, address: str, *, withdraws: bool) -> None:
        from refuwsgi.protocol.subscription import Announcement, encode

        for router in self._routers:
            key = os.fsencode(router.key_of(vassal))
            said = Announcement(key, os.fsencode(address), withdraws, cores=1)
            self._send(router, encode(said))

    def _send(self, router: Router, datagram: bytes) -> None:
        try:
            if router.family not in self._ways:
                kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
                self._ways[router.family] = socket.socket(router.family, kind)
            self._ways[router.family].sendto(datagram, router.target)
        except OSError as problem:
            trouble = f"[emperor] unable to announce vassals to {router.target}: {problem.strerror}"
            if trouble != self._trouble:
                log.line(trouble)
            self._trouble = trouble


def address_of(sock: socket.socket) -> str:
    """How a router reaches a socket."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        text = os.fsdecode(name)
        return "@" + text.strip("\0") if text.startswith("\0") else text
    host, port = name[:2]
    if host in UNCHANGED:
        host = "127.0.0.1" if sock.family == socket.AF_INET else "::1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def router_of(value: str) -> Router:
    """Read the value of the option."""
    found = VALUE.fullmatch(value)
    if found is None:
        raise ValueError(value)
    server, key = found["server"], found["key"]
    if server.startswith("/"):
        return Router(socket.AF_UNIX, server, key)
    host, _, port = server.rpartition(":")
    if not 0 < int(port) < 65536:
        raise ValueError(value)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return Router(family, (host.strip("[]") or "127.0.0.1", int(port)), key)


def configured(config: Config) -> Herald | None:
    """Build the herald that the operator asked for."""
    routers = []
    for _, text, where in config.in_order(ANNOUNCE):
        try:
            routers.append(router_of(text))
        except ValueError:
            raise OptionError(
                f"{where}: {ANNOUNCE.name}: expected SERVER:KEY, got {text!r}"
            ) from None
    return Herald(routers) if routers else None
