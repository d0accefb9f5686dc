"""A mapping file lists the keys of an instance, one on a line.

Section:  fastrouter / Mapping files
What:     reads ``key`` or ``key,modifier1`` from each line; empty lines and those that start with
          ``#`` are passed over.  It is read for every announcement, so that a change counts.
Errors:   none: a file that is not there holds no keys; it may come later.
"""

from __future__ import annotations

from typing import NamedTuple


class Mapping(NamedTuple):
    """A key of the file, and its modifier1 if it has one."""

    key: str
    modifier1: int | None = None


def mappings_of(text: str) -> list[Mapping]:
    """Read the lines of a mapping file."""
    found = []
    for line in text.splitlines():
        # Departure: uWSGI keeps blanks, and the \r of a file from elsewhere, in the key.
        key, comma, modifier = line.strip().partition(",")
        if key and not key.startswith("#"):
            number = modifier.strip()
            is_number = bool(comma) and number.isascii() and number.isdigit()
            found.append(Mapping(key.rstrip(), int(number) & 0xFF if is_number else None))
    return found


def read(path: str) -> list[Mapping]:
    """Read the mapping file at `path`."""
    try:
        with open(path, encoding="latin-1", newline="\n") as file:
            return mappings_of(file.read())
    except OSError:
        return []
