"""Texts with holes: what a rule says, filled in for each request.

Section:  ground / internal routing; variables in arguments
What:     reads a text once, at start, and fills it in for each request.

              $0 ... $9          the match of the rule's expression, and its groups
              ${VAR}             a variable of the request; nothing if there is none
              ${function[arg]}   qs[a] cookie[a] time[unix] httptime[60] base64[VAR] uwsgi[wid] ...

Units:    one character stands for one byte.
Errors:   none: what does not exist is empty, what is no hole stays as it is.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from refuwsgi.request import Request
from refuwsgi.routing.verdicts import Groups

Function = Callable[[Request, str], str]
Hole = Callable[[Request, Groups], str]

HOLE = re.compile(r"\$(?:(\d)|\{((?:[^{}])*)\})")
CALL = re.compile(r"(\w+)\[(.*)\]\Z", re.DOTALL)
DATE = "%a, %d %b %Y %H:%M:%S GMT"


def octets(text: str) -> str:
    """Make one character of each byte, as they are in a request."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


class Text:
    """A text that is filled in for each request."""

    __slots__ = ("_pieces", "fixed")

    def __init__(self, source: str) -> None:
        source = octets(source)
        pieces: list[str | Hole] = []
        end = 0
        for found in HOLE.finditer(source):
            if found.start() > end:
                pieces.append(source[end : found.start()])
            pieces.append(_hole(found))
            end = found.end()
        if end < len(source) or not pieces:
            pieces.append(source[end:])
        self._pieces = pieces
        first = pieces[0]
        self.fixed = first if len(pieces) == 1 and isinstance(first, str) else None

    def __call__(self, request: Request, groups: Groups) -> str:
        """Fill it in."""
        if self.fixed is not None:
            return self.fixed
        return "".join(
            [each if isinstance(each, str) else each(request, groups) for each in self._pieces]
        )


def _hole(found: re.Match[str]) -> Hole:
    if found[1] is not None:
        return _group(int(found[1]))
    name = found[2]
    if "$" in name:
        return _nested(Text(name))
    call = CALL.match(name)
    if call is None:
        return lambda request, groups: str(request.environ.get(name, ""))
    function, argument = FUNCTIONS.get(call[1]), call[2]
    if function is None:
        return lambda request, groups: ""
    return lambda request, groups: function(request, argument)


def _group(number: int) -> Hole:
    def hole(request: Request, groups: Groups) -> str:
        # Departure: uWSGI crashes for $0 where the expression has no groups.
        if groups is None or number > (groups.re.groups or 0):
            return ""
        return groups[number] or ""

    return hole


def _nested(text: Text) -> Hole:
    def hole(request: Request, groups: Groups) -> str:
        return Text("${" + text(request, groups).replace("$", "") + "}")(request, None)

    return hole


# ---------------------------------------------------------------------- functions


def _qs(request: Request, name: str) -> str:
    for pair in str(request.environ.get("QUERY_STRING", "")).split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return value
    return ""


def _cookie(request: Request, name: str) -> str:
    for pair in str(request.environ.get("HTTP_COOKIE", "")).split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return ""


def _time(request: Request, unit: str) -> str:
    if unit == "unix":
        return str(int(time.time()))
    return str(time.time_ns() // 1000) if unit == "micros" else ""


def _httptime(request: Request, seconds: str) -> str:
    ahead = int(seconds[:12]) if re.fullmatch(r"[-+]?\d+", seconds, re.ASCII) else 0
    return time.strftime(DATE, time.gmtime(time.time() + ahead))


def _base64(request: Request, name: str) -> str:
    import binascii

    value = str(request.environ.get(name, "")).encode("latin-1", "replace")
    return binascii.b2a_base64(value, newline=False).decode()


def _hex(request: Request, name: str) -> str:
    return str(request.environ.get(name, "")).encode("latin-1", "replace").hex().upper()


def _uwsgi(request: Request, name: str) -> str:
    known = SERVER.get(name)
    return known(request) if known is not None else ""


def _uuid(request: Request) -> str:
    import uuid

    return str(uuid.uuid4())


SERVER: dict[str, Callable[[Request], str]] = {
    "wid": lambda request: str(request.worker),
    "pid": lambda request: str(os.getpid()),
    "uuid": _uuid,
    "status": lambda request: str(request.status),
    "rsize": lambda request: str(request.size),
    "sor": lambda request: str(request.started),
    "rtime": lambda request: str(time.time_ns() // 1000 - request.started),
    "lq": lambda request: "0",
}

FUNCTIONS: dict[str, Function] = {
    "qs": _qs,
    "cookie": _cookie,
    "time": _time,
    "httptime": _httptime,
    "base64": _base64,
    "hex": _hex,
    "uwsgi": _uwsgi,
    # Beyond: the documentation of uWSGI has these two, its program gives nothing.
    "upper": lambda request, name: str(request.environ.get(name, "")).upper(),
    "lower": lambda request, name: str(request.environ.get(name, "")).lower(),
}


def provide(name: str, function: Function) -> None:
    """Give rules another function; before the rules are read."""
    FUNCTIONS[name] = function
