"""log-format: the operator's own line for a request.

Section:  ground / the request log; the operator's own format
What:     ``%(method) %(uri) => %(status)``: each name stands for a fact about the request; one
          that is not known, or that this request has not, is shown as ``-``.
Units:    msecs, micros and secs as their names say; sizes are bytes.
Errors:   none.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

from refuwsgi.options import Option, flag, text
from refuwsgi.request import Request
from refuwsgi.scoreboard import Scoreboard

LOG_FORMAT: Option[str | None] = Option(
    "log-format",
    text,
    default=None,
    help="how a request is logged, such as `%(method) %(uri) => %(status)`",
    aliases=("logformat",),
)
LOG_FORMAT_STRFTIME = Option(
    "log-format-strftime",
    flag,
    default=False,
    help="the format holds codes of strftime, too",
    aliases=("logformat-strftime",),
    bare="true",
)

NAME = re.compile(r"%\(([^)]*)\)")

Fact = Callable[[Request], object]

VARS = {
    "uri": "REQUEST_URI",
    "method": "REQUEST_METHOD",
    "user": "REMOTE_USER",
    "addr": "REMOTE_ADDR",
    "host": "HTTP_HOST",
    "uagent": "HTTP_USER_AGENT",
    "referer": "HTTP_REFERER",
}


def _of_var(name: str) -> Fact:
    return lambda request: request.environ.get(name) or "-"


def _logvar(name: str) -> Fact:
    return lambda request: (request.logvars or {}).get(name, "-")


def _took(request: Request) -> int:
    return max(0, time.time_ns() // 1000 - request.started)


def _clock(pattern: str) -> Fact:
    return lambda request: time.strftime(pattern, time.localtime(request.started // 1_000_000))


FACTS: dict[str, Fact] = {
    "status": lambda r: r.status,
    "micros": _took,
    "msecs": lambda r: _took(r) // 1000,
    "secs": lambda r: f"{_took(r) / 1_000_000:.6f}",
    "tmsecs": lambda r: r.started // 1000,
    "tmicros": lambda r: r.started,
    "time": lambda r: r.started // 1_000_000,
    "epoch": lambda r: int(time.time()),
    "unix": lambda r: int(time.time()),
    "ctime": lambda r: time.ctime(r.started // 1_000_000),
    "ltime": _clock("%d/%b/%Y:%H:%M:%S %z"),
    "ftime": _clock("%d/%b/%Y:%H:%M:%S %z"),
    "size": lambda r: r.size + r.head_size,
    "rsize": lambda r: r.size,
    "hsize": lambda r: r.head_size,
    "cl": lambda r: r.environ.get("CONTENT_LENGTH") or 0,
    "pid": lambda r: os.getpid(),
    "wid": lambda r: r.worker,
    "core": lambda r: r.core_number,
    "vars": lambda r: 2 * len(r.environ),
    "headers": lambda r: r.headers,
    "switches": lambda r: r.chunks,
    "proto": lambda r: r.environ.get("SERVER_PROTOCOL") or "-",
    "rssM": lambda r: _memory()[1] >> 20,
    "vszM": lambda r: _memory()[0] >> 20,
    "rss": lambda r: _memory()[1],
    "vsz": lambda r: _memory()[0],
    "pktsize": lambda r: _packet(r),
    "modifier1": lambda r: r.modifier1,
    "modifier2": lambda r: r.modifier2,
}


def _memory() -> tuple[int, int]:
    from refuwsgi.request_log import memory

    return memory()


def _packet(request: Request) -> int:
    from refuwsgi.request_log import packet_of

    return packet_of(request)[1]


class Formatter:
    """Makes the lines of one format."""

    def __init__(self, pattern: str, board: Scoreboard, *, strftime: bool = False) -> None:
        self._board = board
        self._strftime = strftime
        self._parts: list[str | Fact] = []
        at = 0
        for found in NAME.finditer(pattern):
            self._parts.append(pattern[at : found.start()])
            self._parts.append(self._fact(found.group(1)))
            at = found.end()
        self._parts.append(pattern[at:])

    def _fact(self, name: str) -> Fact:
        if name in VARS:
            return _of_var(VARS[name])
        if name.startswith("var."):
            return _of_var(name[4:])
        if name == "rid":
            return lambda request: self._board.requests()
        return FACTS.get(name) or _logvar(name)

    def line(self, request: Request) -> str:
        """Make the line of one request."""
        from refuwsgi.request_log import shown

        now = time.localtime(request.started // 1_000_000) if self._strftime else None
        made = [
            (time.strftime(part, now) if now and part else part)
            if isinstance(part, str)
            else str(part(request))
            for part in self._parts
        ]
        return shown("".join(made))
