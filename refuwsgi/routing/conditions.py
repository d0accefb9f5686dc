"""Conditions: what route-if asks.

Section:  ground / internal routing; conditions
What:     each is made from `SUBJECT;PATTERN`, both filled in for each request.  Of an expression
          the groups feed the action's $1.
Units:    none.
Errors:   ValueError for an expression that is none; a missing pattern is false.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Callable

from refuwsgi.request import Request
from refuwsgi.routing.expressions import compiled
from refuwsgi.routing.text import Text
from refuwsgi.routing.verdicts import Groups, Test, TestMaker

NUMBER = re.compile(r"\s*([-+]?\d+)", re.ASCII)


def _compare(holds: Callable[[str, str], bool]) -> TestMaker:
    def make(argument: str) -> Test:
        subject, semicolon, pattern = argument.partition(";")
        if not semicolon:
            return lambda request, groups: False
        left, right = Text(subject), Text(pattern)
        return lambda request, groups: holds(left(request, groups), right(request, groups))

    return make


def _look(holds: Callable[[str], bool]) -> TestMaker:
    def make(argument: str) -> Test:
        subject = Text(argument)
        return lambda request, groups: holds(subject(request, groups))

    return make


def _regexp(argument: str) -> Test:
    subject, semicolon, pattern = argument.partition(";")
    if not semicolon:
        return lambda request, groups: False
    left, right = Text(subject), Text(pattern)
    if "${" not in pattern:
        search = compiled(pattern).search
        return lambda request, groups: search(left(request, groups))

    def varying(request: Request, groups: Groups) -> re.Match[str] | None:
        try:
            return compiled(right(request, groups)).search(left(request, groups))
        except ValueError:
            return None

    return varying


def _number(text: str) -> int:
    # As C reads a number: up to what is no digit, nothing is 0.
    found = NUMBER.match(text[:40])
    return int(found[1]) if found else 0


def _within(version: int) -> Callable[[str, str], bool]:
    def holds(address: str, network: str) -> bool:
        try:
            nearby = ipaddress.ip_network(network, strict=False)
            return nearby.version == version and ipaddress.ip_address(address) in nearby
        except ValueError:
            return False

    return holds


def _mode(test: Callable[[int], bool], *, follow: bool = True) -> Callable[[str], bool]:
    def holds(path: str) -> bool:
        try:
            name = path.encode("latin-1")
            return test((os.stat if follow else os.lstat)(name).st_mode)
        except (OSError, ValueError):
            return False

    return holds


def _executable(path: str) -> bool:
    try:
        return os.access(path.encode("latin-1"), os.X_OK)
    except ValueError:
        return False


_equal = _compare(lambda left, right: left == right)
_higher = _compare(lambda left, right: _number(left) > _number(right))
_lower = _compare(lambda left, right: _number(left) < _number(right))

CONDITIONS: dict[str, TestMaker] = {
    "equal": _equal,
    "isequal": _equal,
    "eq": _equal,
    "==": _equal,
    "startswith": _compare(str.startswith),
    "endswith": _compare(str.endswith),
    "contains": _compare(str.__contains__),
    "contain": _compare(str.__contains__),
    "regexp": _regexp,
    "re": _regexp,
    "empty": _look(lambda text: not text),
    "ishigher": _higher,
    ">": _higher,
    "ishigherequal": _compare(lambda left, right: _number(left) >= _number(right)),
    ">=": _compare(lambda left, right: _number(left) >= _number(right)),
    "islower": _lower,
    "<": _lower,
    "islowerequal": _compare(lambda left, right: _number(left) <= _number(right)),
    "<=": _compare(lambda left, right: _number(left) <= _number(right)),
    "ipv4in": _compare(_within(4)),
    "ipv6in": _compare(_within(6)),
    "exists": _look(_mode(lambda mode: True)),
    "isfile": _look(_mode(stat.S_ISREG)),
    "isdir": _look(_mode(stat.S_ISDIR)),
    "islink": _look(_mode(stat.S_ISLNK, follow=False)),
    "isexec": _look(_executable),
}
