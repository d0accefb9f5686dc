"""The notes of cores and offload threads: taken, answered by which stage, given away, let go.

Section:  ground / the server; the trace of workers
What:     a stage before all others, a call after each request, a note around each stage; and
          around the steps by which a task enters a thread and leaves it.
Units:    sizes are bytes.
Errors:   none.
"""

from __future__ import annotations

from typing import Any

from refuwsgi.offloading.engines import Engine
from refuwsgi.offloading.one_thread import Offloaded, OffloadThread
from refuwsgi.offloading.threads import OffloadThreads
from refuwsgi.request import DONE, NEXT, Request, Stage
from refuwsgi.scaling import cores
from refuwsgi.server import service
from refuwsgi.server.tracing import ANSWERS, GIVES, LETS_GO, TAKES, Step, Trace

NAMES = {"serving": "application"}


def join(trace: Trace) -> None:
    """Put the notes around the steps of a worker."""

    def build(step: Step) -> Step:
        def built(made: service.Service, number: int) -> tuple[cores.Service, Any]:
            found, offloading = step(made, number)
            return followed(trace, found), offloading

        return built

    trace.around(service.Service, "build", build)
    tasks: dict[int, tuple[str, str]] = {}  # id of a task -> its core and its client
    trace.around(OffloadThreads, "offload", lambda step: _followed)
    trace.around(OffloadThreads, "program", lambda step: _program(trace, tasks, step))
    trace.around(OffloadThread, "begin", lambda step: _hand_over(trace, tasks, step))
    trace.around(OffloadThread, "_begin", lambda step: _take(trace, tasks, step))
    trace.around(OffloadThread, "_close", lambda step: _close(trace, tasks, step))


# -- cores


def core_of(request: Request) -> str:
    """The name of the core that has a request."""
    return f"worker {request.worker} core {request.core_number}"


def client_of(request: Request) -> str:
    """What tells the client of a request from others, in every process that sees it."""
    environ = request.environ
    return f"{environ.get('REMOTE_ADDR', '')}:{environ.get('REMOTE_PORT', '')}"


def followed(trace: Trace, made: cores.Service) -> cores.Service:
    """The same service, with notes."""
    after = made.after

    def taken(request: Request) -> int:
        environ = request.environ
        asked = f"{environ.get('REQUEST_METHOD', '?')} {environ.get('REQUEST_URI', '?')}"
        trace.note(core_of(request), TAKES, client_of(request), asked)
        return NEXT

    def over(request: Request) -> None:
        trace.note(core_of(request), LETS_GO, client_of(request))
        if after is not None:
            after(request)

    stages = [taken, *(_noted(trace, stage) for stage in made.stages)]
    return made._replace(stages=stages, after=over)


def _noted(trace: Trace, stage: Stage) -> Stage:
    module = getattr(stage, "__module__", None) or type(stage).__module__
    last = module.rpartition(".")[2]
    name = NAMES.get(last, last.replace("_", " "))

    def noted(request: Request) -> int:
        found = stage(request)
        if found == DONE:
            told = f"{request.status}, {request.head_size + request.size} bytes ({name})"
            trace.note(core_of(request), ANSWERS, client_of(request), told)
        return found

    return noted


# -- offload threads


def _followed(threads: OffloadThreads, engine: Engine, request: Request) -> bool:
    """Have every task be one that is followed."""
    return threads.program(Offloaded(engine), request)


def _program(trace: Trace, tasks: dict[int, tuple[str, str]], step: Step) -> Step:
    def program(threads: OffloadThreads, task: Offloaded, request: Request) -> bool:
        tasks[id(task)] = core_of(request), client_of(request)
        given = bool(step(threads, task, request))
        if request.fd >= 0:
            tasks.pop(id(task), None)  # refused
        elif task.thread is None:
            tasks.pop(id(task), None)
            trace.note(core_of(request), ANSWERS, client_of(request), "all at once")
        return given

    return program


def _hand_over(trace: Trace, tasks: dict[int, tuple[str, str]], step: Step) -> Step:
    def begin(thread: OffloadThread, task: Offloaded) -> None:
        core, client = tasks.get(id(task), ("worker", ""))
        trace.note(core, GIVES, client, type(task.engine).__name__)
        step(thread, task)

    return begin


def _take(trace: Trace, tasks: dict[int, tuple[str, str]], step: Step) -> Step:
    def begin(thread: OffloadThread, task: Offloaded) -> None:
        client = tasks.get(id(task), ("", ""))[1]
        trace.note(_thread(thread), TAKES, client, type(task.engine).__name__)
        step(thread, task)

    return begin


def _close(trace: Trace, tasks: dict[int, tuple[str, str]], step: Step) -> Step:
    def close(thread: OffloadThread, task: Offloaded, client: Any) -> None:
        name = tasks.pop(id(task), ("", ""))[1]
        told = f"{client.sent} bytes"
        if not task.failure:
            trace.note(_thread(thread), ANSWERS, name, told)
        step(thread, task, client)
        trace.note(_thread(thread), LETS_GO, name, task.failure)

    return close


def _thread(thread: OffloadThread) -> str:
    return f"worker {thread.worker} offload thread {thread.number}"
