"""What appeared, changed and vanished between two looks of an imperial monitor.

Section: vassals / On demand vassals (socket activation); the scan
What: `Found` is a vassal as a monitor sees it; `changes` compares what is known with what is found,
      without any I/O.  The emperor does the rest.
Units: `modified` is nanoseconds since the epoch, for files; other monitors have their own clock, of
      which only "later" matters.
Errors: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Found(NamedTuple):
    """A vassal as its monitor sees it."""

    name: str  # what the emperor calls it
    modified: int  # nanoseconds
    folder: str = "."  # where its process starts
    path: str | None = None  # the absolute path of its config file, if it has one
    config: bytes | None = None  # its config, if it comes with it
    uid: int = -1
    gid: int = -1
    socket: str | None = None  # the on-demand socket that a database or a message names


class Changes(NamedTuple):
    """What a scan has to do."""

    added: list[Found]
    touched: list[Found]
    moved: list[Found]  # asked to go on demand, to leave it, or changed hands: stop, add again
    gone: list[str]


def changes(known: Mapping[str, Found], found: Iterable[Found], tyrant: bool = False) -> Changes:
    """Compare the vassals that a monitor named before with those that it names now."""
    result = Changes([], [], [], [])
    seen = set()
    for each in found:
        seen.add(each.name)
        before = known.get(each.name)
        if before is each:
            continue
        if before is None:
            result.added.append(each)
        elif tyrant and (each.uid, each.gid) != (before.uid, before.gid):
            result.moved.append(each)
        # uWSGI: an older time is no change.  (Departure: two edits within a second are two.)
        elif each.modified > before.modified:
            (result.touched if each.socket == before.socket else result.moved).append(each)
    if len(seen) < len(known) or not seen.issuperset(known):
        result.gone.extend(name for name in known if name not in seen)
    return result
