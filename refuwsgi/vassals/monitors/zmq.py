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
        self._socket: Any = self._driver.Context().socket(self._driver.PULL)
        self._socket.setsockopt(self._driver.MAXMSGSIZE, LARGEST)
        self._socket.setsockopt(self._driver.LINGER, 0)
        try:
            self._socket.bind(name.removeprefix(SCHEME))
        except self._driver.ZMQError as error:
            raise OptionError(f"--emperor {name}: {error}") from None

    def look(self) -> Sequence[Found]:
        """Take in what has come, and name everything there is."""
        for _ in range(AT_ONCE):
            try:
                parts = self._socket.recv_multipart(self._driver.DONTWAIT)
            except self._driver.Again:
                break
            obey(parts, self._table, self._wishes)
        return self._table.rows()

    def descriptors(self) -> list[int]:
        """Name the descriptor that is readable when messages have come."""
        return [self._socket.getsockopt(self._driver.FD)]

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


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
