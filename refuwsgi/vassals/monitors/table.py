"""The vassals that messages have named so far.

Section: vassals / Using on demand vassals with other imperial monitors; the table of messages
What: a monitor of messages hears of changes, while the emperor asks for everything there is.  The
      table stands between: messages put and take, a look reads.
Units: nanoseconds; a message that says nothing about time counts from its arrival.
Errors: none.  A table that is full takes no new vassal and says so.
"""

from __future__ import annotations

import time

from refuwsgi import log
from refuwsgi.vassals.scan import Found

MOST = 65536  # vassals; whoever may send messages must not fill the memory


class Table:
    """What is there, by name."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._rows: dict[str, Found] = {}

    def put(self, found: Found) -> None:
        """Add a vassal, or touch one."""
        if found.name not in self._rows and len(self._rows) >= MOST:
            log.line(f"[{self._tag}] too many instances, {found.name!r} is not one of them")
            return
        self._rows[found.name] = found._replace(modified=time.time_ns())

    def take(self, name: str) -> None:
        """Remove a vassal."""
        if self._rows.pop(name, None) is None:
            log.line(f'[{self._tag}] unknown instance "{name}"')

    def rows(self) -> list[Found]:
        """Everything there is."""
        return list(self._rows.values())
