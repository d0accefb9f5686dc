"""Which part of a file a client asks for.

Section:  offloading / Offloading static files; ranges
What:     reads the Range and If-Range fields; nothing else in the server decides about bytes.

              Range: bytes=2-4      the third to the fifth byte
              Range: bytes=7-       all from the eighth
              Range: bytes=-3       the last three

Units:    positions count from 0; `last` belongs to the range.
Errors:   none: a field that cannot be understood asks for the whole file.
"""

from __future__ import annotations

from typing import NamedTuple

from refuwsgi.options import Option, flag

HONOUR_RANGE = Option(
    "honour-range",
    flag,
    default=False,
    help="send a part of a file to a client that asks for it",
    bare="true",
)

MAX_DIGITS = 19  # as many as the largest file can have


class Range(NamedTuple):
    """A part of a file; `last` is before `first` when there is no such part."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes it has; 0: the client cannot have what it asks for."""
        return max(0, self.last + 1 - self.first)


NONE_OF_IT = Range(0, -1)


def wanted(field: str, size: int) -> Range | None:
    """Read a Range field for a file of `size` bytes; None: all of it."""
    # Departure: uWSGI refuses what it does not understand with 416, and closes the connection
    # without a byte when more than the whole file is asked for from its end.
    unit, equals, several = field.partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    # uWSGI: of several ranges the first counts.
    start, dash, end = (part.strip() for part in several.partition(",")[0].partition("-"))
    if not dash or not (start or end) or not _is_number(start or "0") or not _is_number(end or "0"):
        return None
    if not start:
        part = Range(max(0, size - int(end)), size - 1)
        part = part if int(end) else NONE_OF_IT
    else:
        part = Range(int(start), min(int(end), size - 1) if end else size - 1)
        if end and int(end) < int(start):
            part = NONE_OF_IT
    if size == 0 or part.length == 0:
        return NONE_OF_IT
    return None if part.length == size else part


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def still_valid(if_range: str | None, last_modified: str, etag: str | None) -> bool:
    """Say whether the client's other parts belong to the file as it is now."""
    # Beyond: uWSGI sends a part of the new file to a client that has a part of the old one.
    return if_range is None or if_range == last_modified or (etag is not None and if_range == etag)
