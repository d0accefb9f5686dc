"""Files that were compressed beforehand: ``app.js.br`` and ``app.js.gz`` beside ``app.js``.

Section:  offloading / Offloading static files; compressed twins
What:     decides whether a file may have a twin, and which of them a client accepts.
Errors:   a rule that cannot be read is the operator's mistake.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from refuwsgi.offloading.static_expires import regexp
from refuwsgi.options import JOIN, Config, Option, flag, texts

GZIP_ALL = Option(
    "static-gzip-all",
    flag,
    default=False,
    help="look for a compressed twin (.br, .gz) of every file",
    bare="true",
)
GZIP_DIR: Option[tuple[str, ...]] = Option(
    "static-gzip-dir",
    texts,
    default=(),
    help="look for compressed twins of the files below this directory",
    aliases=("static-gzip-prefix",),
    repeat=JOIN,
)
GZIP_EXT: Option[tuple[str, ...]] = Option(
    "static-gzip-ext",
    texts,
    default=(),
    help="look for compressed twins of the files whose name ends so",
    aliases=("static-gzip-suffix",),
    repeat=JOIN,
)

Test = Callable[[bytes], Any]


def _test(value: str) -> tuple[Test, ...]:
    return (regexp(value).search,)


GZIP: Option[tuple[Test, ...]] = Option(
    "static-gzip",
    _test,
    default=(),
    help="look for compressed twins of the files whose path matches",
    repeat=JOIN,
)

# The word of Accept-Encoding, and what the twin's name has more; the smaller file comes first.
CODINGS = (("br", b".br"), ("gzip", b".gz"))


class Twins:
    """The files that may have a twin."""

    __slots__ = ("_tests",)

    def __init__(self, tests: tuple[Test, ...]) -> None:
        self._tests = tests

    def may_have(self, path: bytes) -> bool:
        """Say whether the operator wants a look beside this file."""
        return any(test(path) for test in self._tests)


def accepted(field: str) -> list[tuple[str, bytes]]:
    """Name the codings that an Accept-Encoding field accepts, the best first."""
    # Departure: uWSGI looks for the letters anywhere, so that `gzip;q=0` accepts gzip.
    allowed: dict[str, bool] = {}
    for part in field.lower().split(","):
        word, _, weight = part.partition(";")
        allowed[word.strip()] = weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    everything = allowed.get("*", False)
    return [coding for coding in CODINGS if allowed.get(coding[0], everything)]


def configured(config: Config) -> Twins | None:
    """Build the rules that the operator gave, if there are any."""
    tests: list[Test] = list(config[GZIP])
    if config[GZIP_ALL]:
        tests.append(lambda path: True)
    if config[GZIP_DIR]:
        starts = tuple(map(os.fsencode, config[GZIP_DIR]))
        tests.append(lambda path: path.startswith(starts))
    if config[GZIP_EXT]:
        ends = tuple(map(os.fsencode, config[GZIP_EXT]))
        tests.append(lambda path: path.endswith(ends))
    return Twins(tuple(tests)) if tests else None
