"""The request log: one line for each request, after the answer.

Section:  ground / the request log
What:     the line that uWSGI prints, which a good many tools parse; or the operator's own
          `log-format`.

              [pid: 12705|app: 0|req: 1/2] 127.0.0.1 () {24 vars in 254 bytes} [Sat Nov 21
              22:59:08 2026] GET /hello => generated 10 bytes in 0 msecs (HTTP/1.1 200)
              1 headers in 45 bytes (1 switches on core 0)

Units:    the duration is milliseconds, or microseconds with `log-micros`; sizes are bytes.
Errors:   none: a control character in what the client sent is shown as an escape, so that one
          request cannot write a second line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from refuwsgi import log
from refuwsgi.log_format import LOG_FORMAT, LOG_FORMAT_STRFTIME, Formatter
from refuwsgi.options import Config, Option, flag, number
from refuwsgi.protocol.uwsgi import size_of
from refuwsgi.request import Request
from refuwsgi.scoreboard import Scoreboard

DISABLE_LOGGING = Option(
    "disable-logging",
    flag,
    default=False,
    help="do not log requests",
    aliases=("L",),
    bare="true",
)
LOG_4XX = Option("log-4xx", flag, default=False, help="log requests that fail with 4xx", bare="1")
LOG_5XX = Option("log-5xx", flag, default=False, help="log requests that fail with 5xx", bare="1")
LOG_SLOW = Option(
    "log-slow", number, default=0, help="log requests that take longer, in milliseconds", bare="1"
)
LOG_ZERO = Option(
    "log-zero", flag, default=False, help="log requests whose answer has no body", bare="1"
)
LOG_BIG = Option(
    "log-big", number, default=0, help="log requests whose answer is longer, in bytes", bare="1"
)
SOMETIMES = (LOG_4XX, LOG_5XX, LOG_SLOW, LOG_ZERO, LOG_BIG)
LOG_MICROS = Option(
    "log-micros", flag, default=False, help="give durations in microseconds", bare="true"
)
LOG_X_FORWARDED_FOR = Option(
    "log-x-forwarded-for",
    flag,
    default=False,
    help="log the client that X-Forwarded-For names",
    bare="true",
    aliases=("log-xff",),
)
MEMORY_REPORT = Option(
    "memory-report",
    flag,
    default=False,
    help="log the memory of the worker with each request",
    aliases=("m",),
    bare="true",
)

REQUESTS, APP_REQUESTS = itemgetter(0), itemgetter(13)  # of the words of a core
REMEMBERED = 256  # ends of lines
CONTROLS = {code: f"\\x{code:02x}" for code in [*range(32), 127]}

End = tuple[str, str, int, int, int, int]  # of a line: what it is made of, but for the core
LogRequest = Callable[[Request], None]


def configured(config: Config, board: Scoreboard) -> LogRequest | None:
    """Build what a worker calls at the end of a request; None when nothing is to be logged."""
    line: Callable[[Request], str]
    pattern = config[LOG_FORMAT]
    if pattern is not None:
        line = Formatter(pattern, board, strftime=config[LOG_FORMAT_STRFTIME]).line
    else:
        line = Line(
            board,
            micros=config[LOG_MICROS],
            forwarded=config[LOG_X_FORWARDED_FOR],
            memory=config[MEMORY_REPORT],
        ).line

    def always(request: Request) -> None:
        log.request_line(line(request))

    if not config[DISABLE_LOGGING]:
        return always
    if not any(config[option] for option in SOMETIMES):
        return None
    wanted = _wanted(config)

    def sometimes(request: Request) -> None:
        if wanted(request):
            log.request_line(line(request))

    return sometimes


def _wanted(config: Config) -> Callable[[Request], bool]:
    low = 400 if config[LOG_4XX] else 500
    high = 600 if config[LOG_5XX] else 500
    slow, big = config[LOG_SLOW] * 1000, config[LOG_BIG]
    zero = config[LOG_ZERO]

    def wanted(request: Request) -> bool:
        if low <= request.status < high or zero and not request.size:
            return True
        if big and request.size > big:
            return True
        return bool(slow) and time.time_ns() // 1000 - request.started > slow

    return wanted


class Line:
    """Makes the line that uWSGI makes."""

    def __init__(
        self, board: Scoreboard, *, micros: bool, forwarded: bool, memory: bool = False
    ) -> None:
        self._unit, self._divisor = ("micros", 1) if micros else ("msecs", 1000)
        peer = "HTTP_X_FORWARDED_FOR" if forwarded else "REMOTE_ADDR"
        self._said = itemgetter(peer, "REQUEST_METHOD", "REQUEST_URI")
        self._peer = peer
        self._memory = memory
        self._second = 0
        self._pattern = ""  # of the lines of this second
        self._rows = [[core.words for core in rows] for rows in board.cores]
        self._every = [words for rows in self._rows for words in rows]
        self._alone = len(self._every) == 1  # there is one core, and nothing to add up
        self._ends: dict[End, str] = {}  # ends of lines that were made before

    def line(self, request: Request) -> str:
        """Make the line of one request."""
        environ, core, started = request.environ, request.core, request.started
        words = core.words
        if started // 1_000_000 != self._second:
            self._begin(started // 1_000_000)
        mine, total = words[13], words[0]
        if not self._alone:
            mine = sum(map(APP_REQUESTS, self._rows[core.worker - 1]))
            total = sum(map(REQUESTS, self._every))
        if request.app < 0:
            mine = -1
        try:
            peer, method, uri = self._said(environ)
        except KeyError:
            peer = ""
        if not peer:
            peer, method, uri = self._said_in_part(environ)
        user = environ.get("REMOTE_USER", "")
        if not (peer + user + method + uri).isprintable():  # all the rest is ours, or harmless
            peer, user, method, uri = map(shown, (peer, user, method, uri))
        told = request.told
        line = self._pattern % (
            request.app, mine, total, peer, user, 2 * len(environ),
            request.packet_size or size_of(environ), method, uri, request.size,
            (words[17] - started) // self._divisor,
            told and told.end or self._end(request), core.number,
        )  # fmt: skip
        return memory_of() + line if self._memory else line

    def _begin(self, second: int) -> None:
        """Put what does not change within a second into the pattern of the lines."""
        self._second = second
        self._pattern = (  # made in the worker, after the fork
            f"[pid: {os.getpid()}|app: %d|req: %d/%d] %s (%s) {{%d vars in %d bytes}} "
            f"[{time.ctime(second)}] %s %s => generated %d bytes in %d {self._unit} %s%d)"
        )

    def _said_in_part(self, environ: dict[str, Any]) -> tuple[str, str, str]:
        get = environ.get
        peer = get(self._peer) or get("REMOTE_ADDR", "")
        return peer, get("REQUEST_METHOD", ""), get("REQUEST_URI", "")

    def _end(self, request: Request) -> str:
        """What stands behind the duration: it is the same for most answers."""
        key = (request.via, request.protocol, request.status, request.headers,
               request.head_size, request.chunks)  # fmt: skip
        found = self._ends.get(key)
        if found is None:
            via, protocol, status, headers, size, chunks = key
            found = (
                f"{f'via {via}() ' if via and via != 'static' else ''}({protocol} {status}) "
                f"{headers} headers in {size} bytes ({chunks} switches on core "
            )
            if len(self._ends) >= REMEMBERED:
                self._ends.clear()
            self._ends[key] = found
        if request.told is not None:
            request.told.end = found
        return found


def shown(line: str) -> str:
    """Escape what would break the line."""
    return line if line.isprintable() else line.translate(CONTROLS)


def packet_of(request: Request) -> tuple[int, int]:
    """Count the vars as uWSGI does (keys and values), and the bytes of their packet."""
    environ = request.environ
    return 2 * len(environ), request.packet_size or size_of(environ)


def memory_of() -> str:
    """Say how much memory this process uses."""
    vsz, rss = memory()
    return (
        f"{{address space usage: {vsz} bytes/{vsz >> 20}MB}} "
        f"{{rss usage: {rss} bytes/{rss >> 20}MB}} "
    )


def memory() -> tuple[int, int]:
    """The address space and the resident part of it, in bytes."""
    with open("/proc/self/statm", "rb") as file:
        size, resident = file.read().split()[:2]
    page = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page, int(resident) * page
