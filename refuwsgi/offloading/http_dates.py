"""Dates as HTTP writes them.

Section:  offloading / Offloading static files; dates
What:     ``Sat, 21 Nov 2026 23:00:16 GMT`` to seconds and back.  No locale has a say in it,
          which is why `time.strftime` is not used.
Units:    seconds since 1970, whole ones.
Errors:   none: a text that is no such date is None.
"""

from __future__ import annotations

import time
from functools import lru_cache

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LENGTH = len("Sat, 21 Nov 2026 23:00:16 GMT")


@lru_cache(maxsize=1024)  # the files of a site have few different times
def http_date(seconds: int) -> str:
    """Write a time as HTTP wants it."""
    year, month, day, hour, minute, second, weekday, _, _ = time.gmtime(seconds)
    return (
        f"{DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year:04} "
        f"{hour:02}:{minute:02}:{second:02} GMT"
    )


@lru_cache(maxsize=1024)
def seconds_of(date: str) -> int | None:
    """Read a date of RFC 1123; None for everything else."""
    # uWSGI: the two older forms (RFC 850, asctime) are not understood.
    if len(date) != LENGTH or date[3:5] != ", " or date[25:] != " GMT" or date[:3] not in DAYS:
        return None
    numbers = (date[5:7], date[12:16], date[17:19], date[20:22], date[23:25])
    if date[8:11] not in MONTHS or not all(each.isascii() and each.isdigit() for each in numbers):
        return None
    if date[7] + date[11] + date[16] != "   " or date[19] + date[22] != "::":
        return None
    day, year, hour, minute, second = map(int, numbers)
    if not (1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    days = _days(year, MONTHS.index(date[8:11]) + 1, day)
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _days(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01; the year is taken to begin in March, after the leap day."""
    if month < 3:
        year, month = year - 1, month + 12
    return (
        year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 - 457) // 5 + day - 719469
    )
