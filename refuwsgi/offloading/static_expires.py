"""How long a client may keep a file without asking again.

Section:  offloading / Offloading static files; the Expires header
What:     rules ``REGEXP SECONDS`` on the path of the file, on the REQUEST_URI and on the
          PATH_INFO, and rules ``TYPE=SECONDS`` on the type.  The time counts from now, or
          from the last change of the file with the ``-mtime`` variants.
Units:    seconds.
Errors:   a rule that cannot be read is the operator's mistake.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from refuwsgi.offloading.http_dates import http_date
from refuwsgi.options import JOIN, Config, Option

if TYPE_CHECKING:
    from re import Pattern

MAX_SECONDS = 10**10  # three centuries; a date needs a year of four digits


class Rule(NamedTuple):
    """Files that match, and how long they may be kept."""

    matches: Callable[[bytes], Any]
    seconds: int


def _seconds(text: str, form: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SECONDS):
        raise ValueError(f"expected {form}")
    return int(text)


def by_pattern(value: str) -> tuple[Rule, ...]:
    """Read a regular expression, a blank, and a number of seconds."""
    pattern, blank, seconds = value.partition(" ")
    if not blank:
        raise ValueError("expected a regular expression, a blank and a number of seconds")
    return (Rule(regexp(pattern).search, _seconds(seconds, "a number of seconds")),)


def regexp(pattern: str) -> Pattern[bytes]:
    """Compile a regular expression on names of files."""
    import re  # only sites that have such rules pay for it at their start

    try:
        return re.compile(os.fsencode(pattern))
    except re.error as problem:
        raise ValueError(f"expected a regular expression: {problem}") from None


def by_type(value: str) -> tuple[Rule, ...]:
    """Read a type, an equals sign, and a number of seconds."""
    kind, equals, seconds = value.rpartition("=")
    if not equals or not kind:
        raise ValueError("expected TYPE=SECONDS")
    return (Rule(kind.encode().__eq__, _seconds(seconds, "TYPE=SECONDS")),)


Rules = tuple[Rule, ...]

EXPIRES = Option[Rules](
    "static-expires",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': files of these paths may be kept so long, from now on",
    repeat=JOIN,
)
EXPIRES_MTIME = Option[Rules](
    "static-expires-mtime",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': files of these paths may be kept so long after their last change",
    repeat=JOIN,
)
EXPIRES_URI = Option[Rules](
    "static-expires-uri",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': as static-expires, for the REQUEST_URI",
    repeat=JOIN,
)
EXPIRES_URI_MTIME = Option[Rules](
    "static-expires-uri-mtime",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': as static-expires-mtime, for the REQUEST_URI",
    repeat=JOIN,
)
EXPIRES_PATH_INFO = Option[Rules](
    "static-expires-path-info",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': as static-expires, for the PATH_INFO",
    repeat=JOIN,
)
EXPIRES_PATH_INFO_MTIME = Option[Rules](
    "static-expires-path-info-mtime",
    by_pattern,
    default=(),
    help="'REGEXP SECONDS': as static-expires-mtime, for the PATH_INFO",
    repeat=JOIN,
)
EXPIRES_TYPE = Option[Rules](
    "static-expires-type",
    by_type,
    default=(),
    help="TYPE=SECONDS: files of this type may be kept so long, from now on",
    repeat=JOIN,
)
EXPIRES_TYPE_MTIME = Option[Rules](
    "static-expires-type-mtime",
    by_type,
    default=(),
    help="TYPE=SECONDS: files of this type may be kept so long after their last change",
    repeat=JOIN,
)


class Family(NamedTuple):
    """The rules about one thing: those that count from now, those from the last change."""

    from_now: Sequence[Rule]
    from_change: Sequence[Rule]

    def header(self, subject: bytes, changed: float) -> list[tuple[str, str]]:
        """Make the header for the first rule that matches, if one does."""
        for rules, start in ((self.from_now, time.time), (self.from_change, lambda: changed)):
            for rule in rules:
                if rule.matches(subject):
                    return [("Expires", http_date(int(start()) + rule.seconds))]
        return []


class Expires:
    """All rules of an operator."""

    __slots__ = ("path", "path_info", "type", "uri")

    def __init__(self, path: Family, path_info: Family, uri: Family, type: Family) -> None:
        self.path = path
        self.path_info = path_info
        self.uri = uri
        self.type = type

    def by_name(
        self, path: bytes, environ: dict[str, Any], changed: float
    ) -> list[tuple[str, str]]:
        """Make the headers that depend on names."""
        # uWSGI: each of the three that matches adds a header of its own.
        path_info = environ.get("PATH_INFO", "").encode("latin-1")
        uri = environ.get("REQUEST_URI", "").encode("latin-1")
        return [
            *self.path.header(path, changed),
            *self.path_info.header(path_info, changed),
            *self.uri.header(uri, changed),
        ]

    def by_type(self, kind: str, changed: float) -> list[tuple[str, str]]:
        """Make the header that depends on the type."""
        return self.type.header(kind.encode(), changed)


def configured(config: Config) -> Expires | None:
    """Build the rules that the operator gave, if there are any."""
    families = [
        Family(config[from_now], config[from_change])
        for from_now, from_change in (
            (EXPIRES, EXPIRES_MTIME),
            (EXPIRES_PATH_INFO, EXPIRES_PATH_INFO_MTIME),
            (EXPIRES_URI, EXPIRES_URI_MTIME),
            (EXPIRES_TYPE, EXPIRES_TYPE_MTIME),
        )
    ]
    return Expires(*families) if any(any(family) for family in families) else None
