"""The stats server: one JSON object to whoever connects.

Section:  ground / the stats server
What:     reads the scoreboard and says it in the fields of uWSGI, which uwsgitop and the usual
          exporters read.  Parts that have more to say (metrics, caches) add themselves to
          `Snapshot.more`.
Units:    times are seconds since 1970 unless the name says otherwise; `running_time` and
          `avg_rt` are microseconds, sizes bytes.
Errors:   a client that is silent or slow is left alone after `TIMEOUT` seconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from socket import SHUT_RDWR, socket
from typing import Any

from refuwsgi import log
from refuwsgi.loop import Loop
from refuwsgi.options import Option, flag, text
from refuwsgi.protocol.http import HeadError, parse_head
from refuwsgi.protocol.uwsgi import PacketError, environ_of
from refuwsgi.scoreboard import CoreRow, Scoreboard, WorkerRow
from refuwsgi.sockets import Listener, backlog_of
from refuwsgi.streams import accept, receive, send_all

STATS: Option[str | None] = Option(
    "stats",
    text,
    default=None,
    help="tell everybody who connects to this address how the instance is doing",
    aliases=("stats-server",),
    implies=("master",),
)
STATS_HTTP = Option(
    "stats-http", flag, default=False, help="speak HTTP on the stats address", bare="true"
)
STATS_MINIFIED = Option(
    "stats-minified",
    flag,
    default=False,
    help="send the statistics in one line",
    aliases=("stats-min",),
    bare="true",
)
STATS_NO_CORES = Option(
    "stats-no-cores", flag, default=False, help="leave the cores out", bare="true"
)
STATS_NO_METRICS = Option(
    "stats-no-metrics", flag, default=False, help="leave the metrics out", bare="true"
)

ENABLED = "*** Stats server enabled on {} fd: {} ***"
HEAD = (
    b"HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Content-Type: application/json\r\n\r\n"
)
HEAD_TEXT = (
    b"HTTP/1.0 200 OK\r\nConnection: close\r\n"
    b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n\r\n"
)
TIMEOUT = 4.0
REQUEST = 8192  # bytes of an HTTP request that are looked at
LOCKS = ("user 0", "signal", "filemon", "timer", "rbtimer", "cron", "rpc", "snmp")
SHOWN_HTTP = 1 << 32

Fields = dict[str, Any]


class Snapshot:
    """What an instance has to say about itself."""

    def __init__(
        self,
        board: Scoreboard,
        listeners: Sequence[Listener],
        *,
        version: str,
        can_offload: bool = False,
        with_cores: bool = True,
    ) -> None:
        self.board = board
        self.listeners = listeners
        self.version = version
        self.can_offload = can_offload
        self.with_cores = with_cores
        self.apps: list[Fields] = []
        self.more: list[Callable[[], Fields]] = []  # caches, metrics, ... between locks and sockets

    def fields(self) -> Fields:
        """Everything, now."""
        sockets = [self._socket(listener) for listener in self.listeners]
        queue = max((each["queue"] for each in sockets), default=0)
        found: Fields = {
            "version": self.version,
            "listen_queue": queue,
            "listen_queue_errors": 0,
            "signal_queue": 0,
            "load": queue,
            "pid": self.board.instance.master,
            "uid": os.getuid(),
            "gid": os.getgid(),
            "cwd": os.getcwd(),
            "locks": [{name: 0} for name in LOCKS],
        }
        for more in self.more:
            found.update(more())
        found["sockets"] = sockets
        found["workers"] = [self.worker(place) for place in range(len(self.board.workers))]
        return found

    def _socket(self, listener: Listener) -> Fields:
        queue, longest = backlog_of(listener.sock) or (0, 0)
        offloads = listener.protocol in ("uwsgi", "http", "http11", "raw")
        return {
            "name": listener.name,
            "proto": listener.protocol,
            "queue": queue,
            "max_queue": longest,
            "shared": int(listener.address.kind == "shared"),
            "can_offload": int(self.can_offload and offloads),
        }

    def worker(self, place: int) -> Fields:
        """What there is to say of a worker, counted from 0."""
        row, cores = self.board.workers[place], self.board.cores[place]
        requests = sum(core.requests for core in cores)
        timed = sum(core.timed for core in cores)
        running = sum(core.running for core in cores)
        found: Fields = {
            "id": row.id,
            "pid": row.pid,
            "accepting": row.accepting,
            "requests": requests,
            "delta_requests": requests - row.base,
            "exceptions": sum(core.exceptions for core in cores),
            "harakiri_count": row.harakiris,
            "signals": row.signals,
            "signal_queue": 0,
            "status": _status(row, cores),
            "rss": row.rss,
            "vsz": row.vsz,
            "running_time": running,
            "last_spawn": row.spawned,
            "respawn_count": row.respawns,
            "tx": sum(core.tx for core in cores),
            "avg_rt": running // timed if timed else 0,
            "apps": [self._app(app, cores) for app in self.apps] if row.pid else [],
        }
        if self.with_cores:
            found["cores"] = [_core(number, core) for number, core in enumerate(cores)]
        return found

    def _app(self, app: Fields, cores: list[CoreRow]) -> Fields:
        return {
            "id": 0,
            "modifier1": 0,
            "mountpoint": "",
            "startup_time": 0,
            **app,
            # One application is the rule; of several each shows what all have done.
            "requests": sum(core.app_requests for core in cores),
            "exceptions": sum(core.exceptions for core in cores),
            "chdir": "",
        }


def _status(row: WorkerRow, cores: list[CoreRow]) -> str:
    if not row.pid:
        return "cheap"
    if row.paused:
        return "pause"
    return "busy" if any(core.in_request for core in cores) else "idle"


def _core(number: int, core: CoreRow) -> Fields:
    busy = core.in_request
    return {
        "id": number,
        "requests": core.requests,
        "static_requests": core.static,
        "routed_requests": core.routed,
        "offloaded_requests": core.offloaded,
        "write_errors": core.write_errors,
        "read_errors": core.read_errors,
        "in_request": busy,
        "vars": _vars(core) if busy else [],
        "req_info": {"request_start": core.started // 1_000_000} if busy else {},
    }


def _vars(core: CoreRow) -> list[str]:
    """Read the head that a busy core shows; it may change while we look."""
    size = core.shown_size
    shown = bytes(core.shown[: size & (SHOWN_HTTP - 1)])
    try:
        found = (
            parse_head(shown, len(shown)).environ if size & SHOWN_HTTP else environ_of(shown[4:])
        )
    except (HeadError, PacketError):
        return []
    return [f"{name}={value}" for name, value in found.items()] + [""]


class StatsServer:
    """Answers whoever connects to the stats address."""

    def __init__(
        self,
        loop: Loop,
        listener: socket,
        fields: Callable[[], Fields],
        *,
        http: bool = False,
        minified: bool = False,
        text_pages: dict[str, Callable[[], str]] | None = None,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._fields = fields
        self._http = http
        self._minified = minified
        self._pages = text_pages or {}  # path -> text, such as /metrics; over HTTP only

    async def run(self) -> None:
        """Serve for ever."""
        while True:
            client, _ = await accept(self._listener)
            self._loop.spawn(self._answer(client))

    async def _answer(self, client: socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            page = None
            if self._http:
                path = await self._path(client)
                page = self._pages.get(path)
                head = HEAD_TEXT if page else HEAD
            body = page() if page else self.text()
            await send_all(client, head + body.encode(), TIMEOUT)
            # A worker that was forked meanwhile has a copy: to close ours would not be the end.
            client.shutdown(SHUT_RDWR)

    async def _path(self, client: socket) -> str:
        end = time.monotonic() + TIMEOUT
        found = b""
        while b"\r\n\r\n" not in found and len(found) < REQUEST:
            part = await receive(client, REQUEST, max(0.01, end - time.monotonic()))
            if not part:
                break
            found += part
        words = found.split(b" ", 2)
        return words[1].decode("latin-1") if len(words) > 2 else ""

    def text(self) -> str:
        """Everything as JSON."""
        import json

        if self._minified:
            return json.dumps(self._fields(), separators=(",", ":"))
        return json.dumps(self._fields(), indent="\t")


def said(address: str, fd: int) -> None:
    """Log that the stats server listens."""
    log.line(ENABLED.format(address, fd))
