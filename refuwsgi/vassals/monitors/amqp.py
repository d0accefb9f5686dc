"""The monitor of an AMQP exchange: messages add, touch and remove vassals.

Section: vassals / Using on demand vassals with other imperial monitors; AMQP
What: ``amqp://[user:password@]host[:port][/vhost]``: a queue of the emperor's own is bound to the
      fanout exchange ``uwsgi.emperor``.

          routing key   body
          -             path of a config file: added, touched, or removed if the file is gone
          a name        a config: added or touched; an empty body removes

      "Socket activation is not possible yet", says the document.  # Beyond: here the header
      `socket` of a message names the on-demand socket, and for a path the three options of the
      emperor do, as for any file.
Errors: `OptionError` when pika is not installed.  A broker that does not answer is said in the log;
      nothing is stopped, the next scan connects again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from refuwsgi import log
from refuwsgi.options import OptionError
from refuwsgi.vassals.monitors.driver import driver
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.monitors.table import Table
from refuwsgi.vassals.scan import Found

SCHEME = "amqp://"
EXCHANGE = "uwsgi.emperor"
PATIENCE = 5  # seconds
AT_ONCE = 1000  # messages of one look


class Amqp:
    """The monitor that takes messages off its queue."""

    names_sockets = False

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes
        self._table = Table("emperor-amqp")
        self._driver = driver("pika", "amqp", name)
        self._connection: Any = None
        self._channel: Any = None
        self._queue = ""
        try:
            self._parameters = self._driver.URLParameters(name)
        except (ValueError, TypeError) as problem:
            raise OptionError(f"--emperor {name}: {problem}") from None
        self._parameters.socket_timeout = PATIENCE
        self._parameters.stack_timeout = PATIENCE
        self._parameters.blocked_connection_timeout = PATIENCE

    def look(self) -> Sequence[Found] | None:
        """Take in what has come, and name everything there is."""
        try:
            if self._connection is None or self._connection.is_closed:
                self._connect()
            self._take_in()
        except (self._driver.exceptions.AMQPError, OSError) as error:
            log.line(f"[emperor-amqp] {self.name}: {error!r}")
            self.close()
            return None
        return self._table.rows()

    def _connect(self) -> None:
        self._connection = self._driver.BlockingConnection(self._parameters)
        self._channel = self._connection.channel()
        self._channel.exchange_declare(EXCHANGE, "fanout")
        declared = self._channel.queue_declare("", exclusive=True, auto_delete=True)
        self._queue = declared.method.queue
        self._channel.queue_bind(self._queue, EXCHANGE)

    def _take_in(self) -> None:
        for _ in range(AT_ONCE):
            method, properties, body = self._channel.basic_get(self._queue, auto_ack=True)
            if method is None:
                break
            obey(method.routing_key, properties.headers or {}, body, self._table, self._wishes)

    def descriptors(self) -> list[int]:
        """Name no descriptor: the queue is looked at regularly."""
        return []

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_open:
            try:
                connection.close()
            except (self._driver.exceptions.AMQPError, OSError):
                pass  # it was broken, that is why


def obey(key: str, headers: Mapping[str, Any], body: bytes, table: Table, wishes: Wishes) -> None:
    """Do what a message says."""
    name = key or os.fsdecode(body).strip()
    if not wishes.accepts(name):
        log.line(f"[emperor-amqp] {name[:80]!r} is not the name of a config")
        return
    path = None if key or "://" in name else os.path.join(wishes.start, name)
    socket = str(headers.get("socket") or "") or None
    if (key and not body) or (path and not os.path.isfile(path)):
        table.take(name)
    elif key:
        table.put(Found(name, 0, wishes.start, None, body, socket=socket))
    else:
        table.put(_owned(Found(name, 0, wishes.start, path, socket=socket)))


def _owned(found: Found) -> Found:
    if found.path is None:
        return found
    status = os.stat(found.path)
    return found._replace(uid=status.st_uid, gid=status.st_gid)


def configured(address: str, wishes: Wishes) -> Amqp | None:
    """Build the monitor for an address, if it is this one."""
    return Amqp(address, wishes) if address.startswith(SCHEME) else None
