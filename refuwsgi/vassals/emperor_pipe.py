"""The bytes that an emperor and its vassal send each other.

Section: vassals / On demand vassals (socket activation); the emperor's pipe
What: a socket pair, one byte a message, understood by C emperors and C vassals alike.  Its number
      is in the vassal's environment, as UWSGI_EMPEROR_FD.

          vassal -> emperor                           emperor -> vassal
           1  SPAWNED    initialised                   0  STOP      end now
           2  CONFIG     send my config again          1  RELOAD    finish requests, start again
           5  ACCEPTING  the first worker is ready     2  GRACEFUL  finish requests, end
          17  LOYAL      a worker has served           end of file: the emperor is gone, so end
          22  GOODBYE    stop me, I am idle
          26  BEAT       I am well
          30  SOS        send reinforcement (not answered here)

      A config that comes from a database travels through a second pair, UWSGI_EMPEROR_FD_CONFIG:
      a uwsgi packet of modifier1 115 whose block is the config.

      This module has the numbers, and the vassal's side: `attached` finds the pipe, the master
      calls `spawned`, `accepting`, `goodbye`, `beat` and `receive`, a worker calls `loyal`.
Units: seconds.
Errors: `ConfigError` when the config does not come.  A pipe that broke is no error for those who
      write: the one who reads sees its end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum
from socket import socket
from struct import Struct

from refuwsgi.options import Config, Option, number

HEARTBEAT = Option(
    "heartbeat",
    number,
    default=0,
    help="tell the emperor every so many seconds that this vassal is well",
)

VARIABLE = "UWSGI_EMPEROR_FD"
CONFIG_VARIABLE = "UWSGI_EMPEROR_FD_CONFIG"
SCHEME = "emperor://"  # a config of this name comes through the second pair

SPAWNED, CONFIG, ACCEPTING, LOYAL, GOODBYE, BEAT, SOS = 1, 2, 5, 17, 22, 26, 30

HEADER = Struct("<BHB")
CONFIG_MODIFIER = 115
LONGEST_CONFIG = 0xFFFF
PATIENCE = 5.0  # how long a vassal waits for its config


class Order(IntEnum):
    """What the emperor tells its vassal."""

    STOP = 0
    RELOAD = 1
    GRACEFUL = 2
    LOST = -1  # it is gone
    NOTHING = -2  # a byte that means nothing


class ConfigError(OSError):
    """The emperor did not send a config."""


class EmperorPipe:
    """The vassal's end."""

    __slots__ = ("_config", "_fd", "_loyal")

    def __init__(self, fd: int, config: int = -1) -> None:
        self._fd = fd
        self._config = config
        self._loyal = False

    def fileno(self) -> int:
        """The descriptor that is readable when an order comes."""
        return self._fd

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What must survive the exec of a reload."""
        return (self._fd,) if self._config < 0 else (self._fd, self._config)

    def spawned(self) -> None:
        """Say that the master is there."""
        self._say(SPAWNED)

    def accepting(self) -> None:
        """Say that the first worker can be connected to."""
        self._say(ACCEPTING)

    def loyal(self) -> bool:
        """Say, once for each process, that it has served; True the first time, to be logged."""
        if self._loyal:
            return False
        self._loyal = True
        self._say(LOYAL)
        return True

    def goodbye(self) -> None:
        """Ask to be stopped."""
        self._say(GOODBYE)

    def beat(self) -> None:
        """Say that all is well."""
        self._say(BEAT)

    def _say(self, byte: int) -> None:
        try:
            os.write(self._fd, bytes((byte,)))
        except OSError:
            pass  # the emperor is gone, or does not read: `receive` tells which

    def receive(self) -> Order:
        """Read one order; call it when the pipe is readable."""
        try:
            byte = os.read(self._fd, 1)
        except BlockingIOError:
            return Order.NOTHING
        except OSError:
            return Order.LOST
        if not byte:
            return Order.LOST
        return Order(byte[0]) if byte[0] <= Order.GRACEFUL else Order.NOTHING

    def config(self, again: bool = False) -> bytes:
        """Read the config that the emperor sends; `again`: ask for it, for this is a reload."""
        if self._config < 0:
            raise ConfigError(f"{CONFIG_VARIABLE} is not set: there is no emperor to ask")
        if again:
            self._say(CONFIG)
        with socket(fileno=os.dup(self._config)) as sock:
            sock.settimeout(PATIENCE)
            modifier, size, _ = HEADER.unpack(_exactly(sock, HEADER.size))
            if modifier != CONFIG_MODIFIER:
                raise ConfigError(f"the emperor sent a packet of modifier1 {modifier}, no config")
            return _exactly(sock, size)


def _exactly(sock: socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        piece = sock.recv(size - len(read))
        if not piece:
            raise ConfigError("the emperor sent no config")
        read += piece
    return read


def config_packet(config: bytes) -> bytes:
    """Make the packet that carries a config."""
    if len(config) > LONGEST_CONFIG:
        # Departure: C sends such a config cut off, and says nothing.
        raise ConfigError(f"a config of {len(config)} bytes, at most {LONGEST_CONFIG} can be sent")
    return HEADER.pack(CONFIG_MODIFIER, len(config), 0) + config


def attached(environ: Mapping[str, str] = os.environ) -> EmperorPipe | None:
    """Find the pipe to the emperor; None if this server is nobody's vassal."""
    fd, config = _open(environ.get(VARIABLE, "")), _open(environ.get(CONFIG_VARIABLE, ""))
    return None if fd < 0 else EmperorPipe(fd, config)


def _open(number: str) -> int:
    if not (number.isascii() and number.isdigit()):
        return -1
    try:
        os.fstat(int(number))
    except (OSError, OverflowError):
        return -1  # uWSGI: whoever left the variable behind has closed the pipe
    return int(number)


def period(config: Config) -> int:
    """The seconds between two beats; 0: none."""
    return config[HEARTBEAT]
