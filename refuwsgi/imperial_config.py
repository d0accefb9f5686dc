"""The config that an emperor sends to its vassal: databases and messages have no files.

Section: ground / configuration; the config that an emperor sends
What: travels through a socket pair of its own, whose number is in the vassal's environment, as a
      uwsgi packet of modifier1 115 whose block is the config.  It is sent at the start, and again
      when a vassal that reloads asks for it by a byte in the emperor's pipe.
Units: seconds, bytes.
Errors: `ConfigError` when a config is too large or does not come.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from socket import socket
from struct import Struct
from typing import Final

VARIABLE: Final = "UWSGI_EMPEROR_FD"
CONFIG_VARIABLE: Final = "UWSGI_EMPEROR_FD_CONFIG"
RELOADS: Final = "UWSGI_RELOADS"  # is set in what a reload has started
HEADER: Final = Struct("<BHB")
MODIFIER: Final = 115
LONGEST: Final = 0xFFFF
ASK: Final = bytes((2,))  # send my config again
PATIENCE: Final = 5.0


class ConfigError(OSError):
    """A config cannot be sent, or did not come."""


def packet(config: bytes) -> bytes:
    """Make the packet that carries a config."""
    if len(config) > LONGEST:
        # Departure: C sends such a config cut off, and says nothing.
        raise ConfigError(f"a config of {len(config)} bytes, at most {LONGEST} can be sent")
    return HEADER.pack(MODIFIER, len(config), 0) + config


def receive(environ: Mapping[str, str] = os.environ) -> bytes:
    """Receive the config of this vassal; the socket stays open for the next reload."""
    with _socket(environ, CONFIG_VARIABLE) as sock:
        if environ.get(RELOADS, "0") != "0":
            _drain(sock)
            with _socket(environ, VARIABLE) as pipe:
                pipe.send(ASK)
        sock.settimeout(PATIENCE)
        try:
            modifier, size, _ = HEADER.unpack(_exactly(sock, HEADER.size))
            if modifier != MODIFIER:
                raise ConfigError("invalid configuration from the emperor")
            return _exactly(sock, size)
        except TimeoutError:
            raise ConfigError("the emperor sent no configuration") from None


def _socket(environ: Mapping[str, str], variable: str) -> socket:
    number = environ.get(variable, "")
    if not (number.isascii() and number.isdigit()):
        raise ConfigError("emperor:// works in a vassal only")
    return socket(fileno=os.dup(int(number)))


def _drain(sock: socket) -> None:
    """Throw away what nobody asked for: C sends a config twice, and the second copy grows old."""
    sock.setblocking(False)
    try:
        while sock.recv(LONGEST):
            pass
    except BlockingIOError:
        pass


def _exactly(sock: socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = sock.recv(size - len(received))
        if not piece:
            raise ConfigError("the emperor sent no configuration")
        received += piece
    return received
