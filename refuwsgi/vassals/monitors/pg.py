"""The monitor of a PostgreSQL table: every row is a vassal.

Section: vassals / Using on demand vassals with other imperial monitors
What: ``pg://<connection parameters>[;<query>]``.  The query is run at every scan.

          column     1     2       3                      4    5    6
                     name  config  seconds since 1970     uid  gid  socket

      If a row has more than 5 fields, the 6th is the on-demand socket.  NULL or empty: none, the
      vassal is plain.  The 4th and 5th count in tyrant mode.
Errors: `OptionError` when psycopg is not installed.  A database that does not answer is said in the
      log; nothing is stopped, the next scan tries again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from refuwsgi import log
from refuwsgi.vassals.monitors.driver import driver
from refuwsgi.vassals.monitors.monitor import Wishes
from refuwsgi.vassals.scan import Found

SCHEME = "pg://"
DEFAULT_QUERY = "SELECT name,config,EXTRACT(epoch FROM ts) FROM vassals"
PATIENCE = 5  # seconds to connect, and for the query


class Pg:
    """The monitor that asks a query."""

    names_sockets = True

    def __init__(self, name: str, wishes: Wishes) -> None:
        self.name = name
        self._wishes = wishes
        parameters, _, query = name.removeprefix(SCHEME).partition(";")
        self._parameters = parameters
        self._query = query.strip() or DEFAULT_QUERY
        self._driver = driver("psycopg", "pg", name)

    def look(self) -> Sequence[Found] | None:
        """Name the vassal of every row."""
        try:
            with self._driver.connect(
                self._parameters,
                connect_timeout=PATIENCE,
                options=f"-c statement_timeout={PATIENCE * 1000}",
                autocommit=True,
            ) as connection:
                rows = connection.execute(self._query.encode()).fetchall()
        except self._driver.Error as error:
            log.line(f"libpq-error: {' '.join(str(error).split())}")
            return None
        return list(vassals_of(rows, self._wishes))

    def descriptors(self) -> list[int]:
        """Name no descriptor: the table is looked at regularly."""
        return []

    def close(self) -> None:
        """Let go of nothing: there is a new connection for each look."""


def vassals_of(rows: Iterable[Sequence[Any]], wishes: Wishes) -> Iterable[Found]:
    """Turn rows into vassals; a row that is none is passed over."""
    for row in rows:
        if len(row) >= 3 and wishes.accepts(name := str(row[0] or "")):
            yield Found(
                name,
                _nanoseconds(row[2]),
                wishes.start,
                None,
                _octets(row[1]),
                _number(row, 3),
                _number(row, 4),
                # uWSGI: documented so.  (Departure: C takes an empty name for a name, and its
                # vassal can never run.)
                str(row[5]) if len(row) > 5 and row[5] else None,
            )


def _nanoseconds(value: Any) -> int:
    # uWSGI: the digits up to the first dot; anything else is 0.
    digits = re.match("[0-9]{1,12}", str(value or ""))
    return int(digits[0]) * 10**9 if digits else 0


def _octets(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value or "").encode()


def _number(row: Sequence[Any], column: int) -> int:
    text = str(row[column]) if len(row) > column else ""
    return int(text) if text.isascii() and text.isdigit() else -1


def configured(address: str, wishes: Wishes) -> Pg | None:
    """Build the monitor for an address, if it is this one."""
    return Pg(address, wishes) if address.startswith(SCHEME) else None
