"""The letter box of an instance that announces itself.

Section:  fastrouter / Way 4: --fastrouter-subscription-server; notifications
What:     a datagram socket whose name is announced; a router sends a line to it when it has taken
          the instance in, and that line goes to the log.
Errors:   `OptionError` when the socket cannot be bound.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Callable

from refuwsgi.fastrouter.subscribe_options import NOTIFY_SOCKET, SUBSCRIPTION_NOTIFY_SOCKET
from refuwsgi.gateway_rules import shown
from refuwsgi.options import Config

LONGEST = 1024  # of a notification, in bytes
BURST = 64


class LetterBox:
    """A bound socket, and what is done with what arrives."""

    def __init__(self, name: str, sock: socket.socket, say: Callable[[str], None]) -> None:
        self.name = name
        self.sock = sock
        self._say = say

    def empty(self) -> None:
        """Log what has arrived."""
        for _ in range(BURST):
            try:
                line = self.sock.recv(LONGEST)
            except OSError:
                return
            self._say(f"[notify-socket] {shown(line.rstrip())}")


def configured(config: Config, say: Callable[[str], None]) -> LetterBox | None:
    """Bind the letter box, if there is to be one."""
    # Departure: uWSGI announces subscription-notify-socket and binds nothing.
    for option in (NOTIFY_SOCKET, SUBSCRIPTION_NOTIFY_SOCKET):
        name = config[option]
        if name:
            try:
                return LetterBox(*_bound(name), say)
            except (OSError, OverflowError, ValueError) as problem:
                raise config.error(option, f"an address that can be bound ({problem})") from None
    return None


def _bound(name: str) -> tuple[str, socket.socket]:
    host, colon, port = name.rpartition(":")
    udp = bool(colon) and port.isdigit() and "/" not in name
    family = socket.AF_INET if udp else socket.AF_UNIX
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if udp:
            sock.bind((host, int(port)))
            return f"{host}:{sock.getsockname()[1]}", sock
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(os.lstat(name).st_mode):  # a file of yours is in the way, and stays
                os.unlink(name)
        sock.bind(name)
    except (OSError, OverflowError, ValueError):
        sock.close()
        raise
    return name, sock
