"""The service: what a worker does with a request.

Section:  ground / the server; the stages of a request
What:     loads the application in the master (or, with lazy-apps, in each worker), and builds
          for each worker the doors, the stages in their order, and the offload threads.

              check-cache  -->  check-static, static-map  -->  routes  -->  the application

Units:    none.
Errors:   an application that does not load is reported with its traceback; with need-app it
          ends the instance, otherwise every request is answered with 500.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from refuwsgi import api, log, request_log
from refuwsgi.metrics import Metrics
from refuwsgi.offloading import the_future, threads
from refuwsgi.offloading.engines import file_engine
from refuwsgi.options import JOIN, Config, Option, flag, texts
from refuwsgi.request import Request, Stage
from refuwsgi.scaling import cores, upkeep
from refuwsgi.scaling.cores import THREADS
from refuwsgi.scaling.workers import NO_APP, PROCESSES
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.server import caches, doors, module, reload
from refuwsgi.sockets import Listener
from refuwsgi.stats import STATS_NO_CORES, STATS_NO_METRICS, Snapshot
from refuwsgi.wsgi import loading, serving

ADD_HEADER: Option[tuple[str, ...]] = Option(
    "add-header",
    texts,
    default=(),
    help="add this header to every answer",
    repeat=JOIN,
)
DEL_HEADER: Option[tuple[str, ...]] = Option(
    "del-header",
    texts,
    default=(),
    help="remove this header of the application's from every answer",
    aliases=("rem-header",),
    repeat=JOIN,
)
LAZY_APPS = Option(
    "lazy-apps",
    flag,
    default=False,
    help="load the application in each worker, not in the master",
    bare="true",
)
LAZY = Option("lazy", flag, default=False, help="like lazy-apps, the older name", bare="true")
NEED_APP = Option(
    "need-app",
    flag,
    default=False,
    help="do not start without an application",
    bare="true",
)
RULES = (
    "route",
    "error-route",
    "response-route",
    "final-route",
    "collect-header",
    "response-header-collect",
    "pull-header",
)
GAME_OVER = "*** no app loaded. GAME OVER ***"
DYNAMIC = "*** no app loaded. going in full dynamic mode ***"


def wanted(config: Config) -> bool:
    """Say whether the instance has anything for workers to do."""
    from refuwsgi.scaling.http_socket import HTTP11_SOCKET, HTTP_SOCKET
    from refuwsgi.scaling.uwsgi_socket import SOCKET

    given = any(map(config.given, (SOCKET, HTTP_SOCKET, HTTP11_SOCKET)))
    return given or config.asks_for("https-socket") or loading.wanted(config)


class Service:
    """The application and the stages around it."""

    def __init__(self, config: Config, board: Scoreboard, listeners: list[Listener]) -> None:
        self.config = config
        self.board = board
        self.listeners = listeners
        if caches.wanted(config):
            caches.caches_of(config)  # now, so that a mistake shows before anything is loaded
        self.lazy = config[LAZY_APPS] or config[LAZY]
        self.stages: list[Callable[[Config], Stage | None]] = []  # between files and application
        self.after: list[Callable[[Request], None]] = []  # called in the worker after each request
        self.apps = loading.Apps()
        self.files: Stage | None = None
        self.routes: Stage | None = None
        self.metrics: Metrics | None = None
        self.thread_rows = threads.thread_rows(
            len(board.workers), config[threads.OFFLOAD_THREADS] or 0
        )

    def load(self, *, trying: bool = False) -> bool:
        """Load the application, if this is the time; False when it must and does not."""
        self.routes = self._rules()
        self.files = self._places_for_files()
        loading.prepare(self.config)
        self._provide()
        if self.lazy and not trying:
            return True
        return self._load_apps(trying=trying)

    def _load_apps(self, *, trying: bool) -> bool:
        self.apps = loading.load(self.config)
        if self.apps.loaded or not loading.wanted(self.config) and not self.config[NEED_APP]:
            return True
        if self.config[NEED_APP] or trying:
            log.line(GAME_OVER)
            return False
        log.line(DYNAMIC)
        return True

    def _places_for_files(self) -> Stage | None:
        if not self.config.asks_for("check-static", "static-", "mime"):
            return None
        from refuwsgi.offloading import static_files

        return static_files.configured(self.config, before=self.routes)

    def _rules(self) -> Stage | None:
        """Read the rules; what they are made of is imported only if there are any."""
        if not self.config.asks_for(*RULES):
            return None
        from refuwsgi.server import routes

        return routes.configured(self.config, caches.caches_of(self.config))

    def _route(self, name: str, arguments: str = "") -> int:
        """uwsgi.route: let a rule's action answer the running request."""
        from refuwsgi.server import routes

        program = routes.programmable(self.config, caches.caches_of(self.config))
        return program.route(name, arguments)

    def _provide(self) -> None:
        board = self.board
        caches.install(self.config)
        api.provide("route", self._route)
        api.provide("numproc", len(board.workers))
        api.provide("cores", len(board.cores[0]))
        api.provide("masterpid", lambda: board.instance.master)
        api.provide("hostname", socket.gethostname().encode())
        api.provide("total_requests", board.requests)
        again = reload.generation() > 0
        worker = self._worker
        self.metrics = module.install(self.config, board, self.listeners, worker, again=again)

    def build(self, number: int) -> tuple[cores.Service, Any]:
        """Make what the cores of a worker share; called in the worker."""
        api.provide("worker_id", lambda: number)
        if self.lazy and not self._load_apps(trying=False):
            log.line(f"OOPS ! failed loading app in worker {number} (pid {os.getpid()})")
            os._exit(NO_APP)
        self._happens("post-fork")
        loading.start_worker(self.config)
        rows = self.thread_rows[number - 1] if self.thread_rows else None
        offloading = threads.configured(self.config, number, rows)
        the_future.install(offloading.program if offloading is not None else None)
        stages = self._stages()
        headers = [_header(self.config, line) for line in self.config[ADD_HEADER]]
        log_request = request_log.configured(self.config, self.board)
        # Rules may change the vars; then the log has to look at them anyway.
        measured = log_request is not None and self.routes is None
        made = cores.Service(
            doors=doors.doors(self.listeners, self.config, measured=measured),
            stages=stages,
            log_request=log_request,
            offload=offloading.offload if offloading is not None else None,
            after=self._after(upkeep.in_worker(self.config, self.board, number)),
            extra_headers=headers,
            removed_headers=tuple(name.strip().lower() for name in self.config[DEL_HEADER]),
            harakiri=upkeep.seconds(self.config),
        )
        self._happens("accepting", *(["accepting1"] if number == 1 else []))
        return made, offloading

    def _happens(self, *moments: str) -> None:
        if self.config.asks_for("hook-post-fork", "hook-accepting"):
            from refuwsgi import hooks

            hooks.run(self.config, *moments)

    def _stages(self) -> list[Stage]:
        found: list[Stage] = []
        if caches.wanted(self.config):
            from refuwsgi.cache import stages

            found += stages.stages(self.config, caches.caches_of(self.config))
        found += [stage for stage in (self.files, self.routes) if stage is not None]
        for make in self.stages:
            stage = make(self.config)
            if stage is not None:
                found.append(stage)
        found.append(
            serving.configured(
                self.config,
                self.apps,
                file_engine,
                threads=self.config[THREADS],
                processes=self.config[PROCESSES],
            )
        )
        return found

    def _after(self, more: list[Callable[[Request], None]]) -> Callable[[Request], None] | None:
        calls = self.after + more
        if len(calls) < 2:
            return calls[0] if calls else None

        def after(request: Request) -> None:
            for call in calls:
                call(request)

        return after

    def snapshot(self) -> Snapshot:
        """What the stats server tells."""
        found = Snapshot(
            self.board,
            self.listeners,
            version="2.0.31",
            can_offload=bool(self.config[threads.OFFLOAD_THREADS]),
            with_cores=not self.config[STATS_NO_CORES],
        )
        found.apps = self.apps.described()
        if self.thread_rows:
            found.more.append(lambda: {"offload": [*map(threads.figures, self.thread_rows)]})
        if caches.wanted(self.config):
            from refuwsgi.cache import stages

            found.more.append(lambda: stages.figures(caches.caches_of(self.config)))
        if (shown := self.metrics) is not None and not self.config[STATS_NO_METRICS]:
            found.more.append(lambda: {"metrics": shown.fields()})
        return found

    def _worker(self, place: int) -> dict[str, Any]:
        return self.snapshot().worker(place)


def _header(config: Config, line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or any(ord(each) < 32 for each in line):
        raise config.error(ADD_HEADER, "`Name: value`")
    return name.strip(), value.strip()
