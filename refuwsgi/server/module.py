"""The module uwsgi, completed: what the application may ask of the whole instance.

Section:  ground / the module uwsgi; what the server knows
What:     gives `refuwsgi.api` the names whose answers lie in the scoreboard, in the sockets, in
          the locks and metrics of the instance.
Units:    as in the statistics.
Errors:   a lock or queue whose number is out of range is a ValueError in the application.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from refuwsgi import api, metrics, processes
from refuwsgi.options import Config, Option, number
from refuwsgi.queues import backlog_of
from refuwsgi.scaling import upkeep
from refuwsgi.scaling.orders import WATCH
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.shared import Lock
from refuwsgi.sockets import Listener

LOCKS = Option(
    "locks", number, default=0, help="locks that the application may use, besides number 0"
)


def install(
    config: Config,
    board: Scoreboard,
    listeners: Sequence[Listener],
    worker: Callable[[int], dict[str, Any]],
    *,
    again: bool,
) -> metrics.Metrics | None:
    """Give the application what the instance knows; called before the first fork."""
    api.provide("is_a_reload", again)
    api.provide("sockets", [each.sock.fileno() for each in listeners])
    api.provide("workers", lambda: tuple(map(_shown, map(worker, range(len(board.workers))))))
    api.provide("accepting", lambda: None)
    api.provide("setprocname", processes.show_title)
    api.provide("listen_queue", lambda which=0: _queue(listeners, which))
    api.provide("request_id", _request_id)
    api.provide("log_this_request", _log_this_request)
    usual = upkeep.seconds(config)
    api.provide("set_user_harakiri", lambda seconds: _set_harakiri(board, int(seconds), usual))
    _install_locks(config[LOCKS] + 1)
    found = metrics.configured(config, board, listeners)
    if found is not None:
        for name, call in found.calls().items():
            api.provide(name, call)
    return found


def _shown(worker: dict[str, Any]) -> dict[str, Any]:
    """What uWSGI shows of a worker: without its cores, and words are bytes."""
    return {key: _plain(value) for key, value in worker.items() if key != "cores"}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    return tuple(map(_shown, value)) if isinstance(value, list) else value


def _queue(listeners: Sequence[Listener], which: int) -> int:
    if not 0 <= which < len(listeners):
        raise ValueError(f"there is no socket {which}")
    found = backlog_of(listeners[which].sock)
    return found[0] if found else 0


def _request() -> Any:
    if api.running.answer is None:
        raise RuntimeError("there is no request in this thread")
    return api.running.answer.request


def _request_id() -> int:
    found: int = _request().core.requests
    return found


def _log_this_request() -> None:
    _request().log = True


def _set_harakiri(board: Scoreboard, seconds: int, usual: int) -> None:
    """uwsgi.set_user_harakiri: the running request has so long from now; 0: as long as any has."""
    row = _request().core
    wanted = min(filter(None, (seconds, usual)), default=0)
    row.deadline = time.monotonic_ns() // 1000 + wanted * 1_000_000 if wanted else 0
    if seconds and board.instance.master:
        with suppress(PermissionError):  # a master that has remained root
            os.kill(board.instance.master, WATCH)  # which otherwise need not look


def _install_locks(count: int) -> None:
    locks: dict[int, Lock] = {}

    def lock_of(which: int) -> Lock:
        if not 0 <= which < count:
            raise ValueError(f"there is no lock {which}: the option locks allows 0 to {count - 1}")
        return locks[which]

    for which in range(count):
        locks[which] = Lock()

    def lock(which: int = 0) -> None:
        lock_of(which).__enter__()

    def unlock(which: int = 0) -> None:
        lock_of(which).__exit__(None, None, None)

    api.provide("lock", lock)
    api.provide("unlock", unlock)
    api.provide("is_locked", lambda which=0: lock_of(which).locked())
