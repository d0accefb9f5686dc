"""How long a vassal that dies at once is held back.

Section: vassals / On demand vassals (socket activation); vassals that die before they serve
What: the emperor's blacklist.  A vassal that dies before it was loyal gets an entry; the entry says
      when it may be tried again.  With every further death that is `emperor-throttle` later, up to
      `emperor-max-throttle`.  The first death is free.  A vassal that becomes loyal is struck off.

          deaths        1      2      3      4    ...   limit   one more
          held back     0   1000   2000   3000    ...     all   half of it   (milliseconds)

Units: `level` is milliseconds, as in the options and in the stats; `now` is seconds.
Errors: none.
"""

from __future__ import annotations

from typing import NamedTuple

from refuwsgi.options import Config, Option, flag, number

THROTTLE = Option(
    "emperor-throttle",
    number,
    default=1000,
    help="hold a vassal that dies before it serves back for so many milliseconds more each time",
)
MAX_THROTTLE = Option(
    "emperor-max-throttle",
    number,
    default=180_000,
    help="the longest time in milliseconds that a vassal is held back",
)
NO_BLACKLIST = Option(
    "emperor-no-blacklist",
    flag,
    default=False,
    help="try a vassal that dies before it serves again at every scan",
    bare="true",
)


class Entry(NamedTuple):
    """One vassal on the blacklist."""

    attempt: int  # deaths after the first
    level: int  # milliseconds
    first_attempt: float
    last_attempt: float


class Blacklist:
    """Which vassals are held back, and until when."""

    def __init__(self, throttle: int, maximum: int) -> None:
        self.throttle = throttle
        self.maximum = maximum
        self.entries: dict[str, Entry] = {}

    def died(self, name: str, now: float) -> list[str]:
        """Note that a vassal died before it was loyal; return what is to be logged."""
        last = self.entries.get(name)
        if last is None:
            self.entries[name] = Entry(0, 0, now, now)
            return []
        attempt, said = last.attempt + 1, []
        if last.level < self.maximum:
            level = min(last.level + self.throttle, self.maximum)
        else:
            # uWSGI: it is halved there, not kept at the limit.
            level = last.level // 2
            said.append(f"maximum throttle level for vassal {name} reached !!!")
        if attempt == 2:
            said.append(f"unloyal bad behaving vassal found: {name} throttling it...")
        self.entries[name] = Entry(attempt, level, last.first_attempt, now)
        return said

    def holds(self, name: str, now: float) -> bool:
        """Say whether a vassal must wait longer."""
        entry = self.entries.get(name)
        return entry is not None and now < entry.last_attempt + entry.level / 1000

    def forgive(self, name: str) -> None:
        """Strike a vassal off: it has served."""
        self.entries.pop(name, None)

    def clear(self) -> None:
        """Forgive everybody."""
        self.entries.clear()


class NoBlacklist(Blacklist):
    """The blacklist of an emperor that has none: nobody is held back beyond the next scan."""

    def died(self, name: str, now: float) -> list[str]:
        """Note nothing."""
        return []


def configured(config: Config) -> Blacklist:
    """Build the blacklist that the operator asked for."""
    kind = NoBlacklist if config[NO_BLACKLIST] else Blacklist
    return kind(config[THROTTLE], config[MAX_THROTTLE])
