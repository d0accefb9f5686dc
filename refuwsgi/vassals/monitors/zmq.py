"""The monitor of a ZeroMQ socket: messages add, touch and remove vassals.

Section: vassals / Using on demand vassals with other imperial monitors; ZeroMQ
What: ``zmq://tcp://127.0.0.1:5252``: the emperor binds a PULL socket, others push to it.

          touch name                                     its config is a file of that name
          touch name config [uid gid [socket]]           its config comes along
          destroy name

      The 6th part is the on-demand socket; without it, or if it is empty, the vassal is plain.
Errors: `OptionError` when pyzmq is not installed or the address cannot be bound.  A message that
      makes no sense costs a line in the log.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from refuwsgi import log
from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors.driver import driver
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.monitors.table import Table
from refuwsgi.vassals.scan import Found

SCHEME = "zmq://"
LARGEST = 1 << 17  # bytes of one part
AT_ONCE = 1000  # messages of one look


class Zmq:
    """The monitor that receives messages."""

    names_sockets = True

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes
        self._table = Table("emperor-zeromq")
        self._driver = driver("zmq", "zmq", name)
        self._context: Any = None
        self._socket: Any = None
        try:
            # Only a trial: the threads of the driver must begin in the process that will look.
            self._open()
        except self._driver.ZMQError as error:
            raise OptionError(f"--emperor {name}: {error}") from None
        finally:
            self.close()

    def _open(self) -> None:
        self._context = self._driver.Context()
        self._socket = self._context.socket(self._driver.PULL)
        self._socket.setsockopt(self._driver.MAXMSGSIZE, LARGEST)
        self._socket.setsockopt(self._driver.LINGER, 0)
        self._socket.bind(self.name.removeprefix(SCHEME))

    def look(self) -> Sequence[Found] | None:
        """Take in what has come, and name everything there is."""
        try:
            if self._socket is None:
                self._open()
        except self._driver.ZMQError as error:
            log.line(f"[emperor-zeromq] {self.name}: {error}")
            self.close()
            return None
        for _ in range(AT_ONCE):
            try:
                parts = self._socket.recv_multipart(self._driver.DONTWAIT)
            except self._driver.Again:
                break
            obey(parts, self._table, self._wishes)
        return self._table.rows()

    def descriptors(self) -> list[int]:
        """Name the descriptor that is readable when messages have come."""
        return [] if self._socket is None else [self._socket.getsockopt(self._driver.FD)]

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
        if self._context is not None:
            self._context.term()
        self._socket = self._context = None


def obey(parts: Sequence[bytes], table: Table, wishes: Wishes) -> None:
    """Do what a message says."""
    if len(parts) < 2:
        log.line("[emperor-zeromq] bad message received (command and instance name required)")
        return
    command, name = (part.decode("utf-8", "replace") for part in parts[:2])
    if command == "destroy":
        table.take(name)
    elif command == "touch" and wishes.accepts(name):
        table.put(_found(name, parts[2:6], wishes))
    elif command != "touch":
        log.line(f'[emperor-zeromq] unknown command "{command}"')


def _found(name: str, rest: Sequence[bytes], wishes: Wishes) -> Found:
    config, uid, gid, socket = (*rest, *[b""] * (4 - len(rest)))
    return Found(
        name,
        0,
        wishes.start,
        None if config else os.path.join(wishes.start, name),
        config or None,
        int(uid) if uid.isdigit() else -1,
        int(gid) if gid.isdigit() else -1,
        # uWSGI: documented so.  (Departure: C tries to bind an empty name.)
        os.fsdecode(socket) or None,
    )


def configured(address: str, wishes: Wishes) -> Zmq | None:
    """Build the monitor for an address, if it is this one."""
    return Zmq(address, wishes) if address.startswith(SCHEME) else None
