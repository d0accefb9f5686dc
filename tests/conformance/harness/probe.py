"""What a binary lacks: its --help is asked, nothing is guessed.

What: an option in the configuration of a case that uWSGI or refuwsgi has and this binary's --help
      does not list makes the case *absent*.  A name that nobody has is left to the binary.
"""

import functools
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from . import binary

NAMES = Path(__file__).parent / "options.txt"
SHORT = {"M": "master", "p": "processes", "s": "socket", "T": "enable-threads", "w": "module"}


@functools.cache
def options_of_uwsgi() -> frozenset[str]:
    """The options that uWSGI 2.0.31 lists: those that a case may count on."""
    return frozenset(NAMES.read_text().split())


def named_in(ini: str, words: Iterable[str]) -> set[str]:
    """The options that a configuration uses: its own section and the command line."""
    found = set()
    section = "uwsgi"
    for line in ini.splitlines():
        if match := re.match(r"\s*\[([^\]]+)\]", line):
            section = match[1]
        elif (match := re.match(r"\s*([a-z0-9-]+)\s*=", line)) and section == "uwsgi":
            found.add(match[1])
    for word in words:
        if match := re.match(r"--([a-z0-9-]+)", word):
            found.add(match[1])
        elif match := re.match(r"-([A-Za-z])$", word):
            found.add(SHORT.get(match[1], ""))
    return found - {""}


def lacking(ini: str, words: Iterable[str]) -> list[str]:
    """The options of a configuration that the binary does not have and uWSGI has."""
    if binary.is_refuwsgi():
        return []  # it promises all of them: what it lacks is a failure
    used = named_in(ini, words) & options_of_uwsgi()
    return sorted(used - binary.options())


def need(ini: str, words: Iterable[str]) -> None:
    """Skip the case if the binary lacks an option of its configuration."""
    if missing := lacking(ini, words):
        pytest.skip(f"absent: no option {', '.join(missing)}")
