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

      A config that comes from a database travels through a second pair (imperial_config.py).

      This module has the numbers, and the vassal's side: `attached` finds the pipe, the master
      calls `spawned`, `accepting`, `goodbye`, `beat` and `receive`, a worker calls `loyal`.
Units: seconds.
Errors: none.  A pipe that broke is no error for those who write: the one who reads sees its end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum

from refuwsgi.imperial_config import VARIABLE
from refuwsgi.options import Config, Option, number

HEARTBEAT = Option(
    "heartbeat",
    number,
    default=0,
    help="tell the emperor every so many seconds that this vassal is well",
)

SCHEME = "emperor://"  # a config of this name comes through the second pair

SPAWNED, CONFIG, ACCEPTING, LOYAL, GOODBYE, BEAT, SOS = 1, 2, 5, 17, 22, 26, 30


class Order(IntEnum):
    """What the emperor tells its vassal."""

    STOP = 0
    RELOAD = 1
    GRACEFUL = 2
    LOST = -1  # it is gone
    NOTHING = -2  # a byte that means nothing


class EmperorPipe:
    """The vassal's end."""

    __slots__ = ("_fd", "_loyal")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loyal = False

    def fileno(self) -> int:
        """The descriptor that is readable when an order comes."""
        return self._fd

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


def attached(environ: Mapping[str, str] = os.environ) -> EmperorPipe | None:
    """Find the pipe to the emperor; None if this server is nobody's vassal."""
    fd = _open(environ.get(VARIABLE, ""))
    return None if fd < 0 else EmperorPipe(fd)


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
