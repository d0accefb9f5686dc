"""One request through the application.

Section:  ground / the application; a request
What:     the stage of a core that calls the application, sends what it yields and closes what it
          returned, in every case.
Units:    sizes are bytes.
Errors:   the application's errors end its request: a traceback in the log, and a 500 for the
          client if nothing has been sent.  SystemExit ends the worker.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from refuwsgi import api, log
from refuwsgi.options import Config, Option, flag
from refuwsgi.request import DONE, EMPTY, GIVEN, Request
from refuwsgi.wsgi.answer import Answer
from refuwsgi.wsgi.body import (
    LIMIT_POST,
    POST_BUFFERING,
    Input,
    LimitedBody,
    TooLong,
    buffered,
)
from refuwsgi.wsgi.environ import Application, Environ, Teller
from refuwsgi.wsgi.files import FileEngine, FileWrapper, extent_of
from refuwsgi.wsgi.loading import Apps

CATCH_EXCEPTIONS = Option(
    "catch-exceptions",
    flag,
    default=False,
    help="show the traceback of an error to the client, for development only",
    bare="true",
)
RELOAD_ON_EXCEPTION = Option(
    "reload-on-exception",
    flag,
    default=False,
    help="replace a worker in which the application raised",
    bare="true",
)
STRICT = Option(
    "wsgi-strict",
    flag,
    default=False,
    help="refuse a bytes object as an answer, where a sequence of them should be",
    bare="true",
)
ACCEPT_BUFFERS = Option(
    "wsgi-accept-buffer",
    flag,
    default=False,
    help="take bytearray and memoryview for bytes",
    aliases=("wsgi-accept-buffers",),
    bare="true",
)
NO_FILE_WRAPPER = Option(
    "wsgi-disable-file-wrapper",
    flag,
    default=False,
    help="do not offer wsgi.file_wrapper",
    bare="true",
)
IGNORE_WRITE_ERRORS = Option(
    "ignore-write-errors",
    flag,
    default=False,
    help="do not log that a client went before it had its answer",
    bare="true",
)

NO_APP = "--- no python application found, check your startup logs for errors ---"
INTERNAL = "500 Internal Server Error"
BY_SCRIPT_NAME = 30  # modifier1: SCRIPT_NAME is still part of PATH_INFO


class Manners:
    """What the operator decided about the answers of applications."""

    __slots__ = (
        "accept_buffers",
        "engine",
        "ignore_write_errors",
        "leave",
        "reload_on_exception",
        "show",
        "strict",
        "teller",
    )

    def __init__(self, teller: Teller, engine: FileEngine | None = None) -> None:
        self.teller = teller
        self.engine = engine
        self.leave: Callable[[], None] = _retire
        self.accept_buffers = False
        self.ignore_write_errors = False
        self.reload_on_exception = False
        self.strict = False
        self.show = False


class Serving:
    """The stage in which the application answers."""

    def __init__(self, apps: Apps, manners: Manners, memory: int = 0, limit: int = 0) -> None:
        self.apps = apps
        self.manners = manners
        self._environ_of = manners.teller.environ_of
        self._memory = memory  # post-buffering
        self._limit = limit

    def __call__(self, request: Request) -> int:
        """Let the application answer."""
        app = self.apps.only
        if app is None or request.body is not EMPTY or request.modifier1 or not request.environ:
            return self._chosen(request)
        request.app = app.number
        return serve(app.call, request, self._environ_of(request), self.manners)

    def _chosen(self, request: Request) -> int:
        """Find out which application it is and what its environ is."""
        if not request.environ or request.modifier1 and request.modifier1 != BY_SCRIPT_NAME:
            return _unserved(request)
        app, split = self.apps.only, None
        if app is None:
            found = self.apps.app_for(request.environ)
            if found is None:
                log.line(NO_APP)
                request.fail(INTERNAL)
                return DONE
            app, split = found
        body: Any = request.body
        try:
            body = self._body(request) if body.left else Input(request, body)
        except TooLong:
            request.fail("413 Content Too Large")
            return DONE
        request.app = app.number
        environ = self._environ_of(request, body)
        if split is not None:
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = split
        elif request.modifier1:
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(environ["SCRIPT_NAME"])
        try:
            return serve(app.call, request, environ, self.manners)
        finally:
            if self._memory:
                body.close()  # a temporary file may be behind it

    def _body(self, request: Request) -> Any:
        body = request.body
        if self._limit:
            if body.left > self._limit:
                raise TooLong
            body = LimitedBody(body, self._limit)
        if self._memory:
            return buffered(body, self._memory)
        return Input(request, body)


def configured(
    config: Config, apps: Apps, engine: FileEngine | None = None, *, threads: int, processes: int
) -> Serving:
    """Build the stage as the operator asked for it."""
    teller = Teller(
        multithread=threads > 1, multiprocess=processes > 1, wrapper=not config[NO_FILE_WRAPPER]
    )
    manners = Manners(teller, engine)
    manners.accept_buffers, manners.strict = config[ACCEPT_BUFFERS], config[STRICT]
    manners.ignore_write_errors = config[IGNORE_WRITE_ERRORS]
    manners.reload_on_exception = config[RELOAD_ON_EXCEPTION]
    manners.show = config[CATCH_EXCEPTIONS]
    return Serving(apps, manners, config[POST_BUFFERING], config[LIMIT_POST])


def run(application: Application, request: Request) -> int:
    """Let an application answer, with nothing configured."""
    manners = Manners(Teller())
    api.running.core = request.core
    environ = manners.teller.environ_of(request, Input(request, request.body))
    return serve(application, request, environ, manners)


def serve(application: Application, request: Request, environ: Environ, manners: Manners) -> int:
    """Call the application and send what it answers."""
    core, result = request.core, None
    core.answer = answer = Answer(request, environ)
    if manners.accept_buffers:
        answer.accept_buffers = True
    try:
        result = application(environ, answer.start_response)
        return DONE if answer.whole(result) else _send_all(answer, result, manners)
    except BaseException as problem:
        request.keep = False
        _failed(problem, request, answer, manners)
        return DONE
    finally:
        if type(result) is not list:
            _close(result)
        core.answer = None


def _send_all(answer: Answer, result: Any, manners: Manners) -> int:
    """Send what the application returned; GIVEN when an offload thread does it."""
    kind = type(result)
    if kind is bytes and not manners.strict:
        answer.add(result)  # uWSGI: not byte by byte
    elif kind is FileWrapper and not answer.sent and (extent := extent_of(result.filelike)):
        return GIVEN if answer.send_file(extent, manners.engine) else DONE
    else:
        for chunk in result:
            if not answer.add(chunk):
                break
    if answer.file is not None and not answer.sent:
        return GIVEN if answer.send_file(answer.file, manners.engine) else DONE
    answer.end()
    return DONE


def _close(result: Any) -> None:
    """Tell what the application returned that the request is over, however it went."""
    close = getattr(result, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception:  # an application may raise anything
        log.exception("the application failed in close()")


def _failed(problem: BaseException, request: Request, answer: Answer, manners: Manners) -> None:
    """Log an error that came out of the application, and tell the client if that is possible."""
    if answer.gone:
        if not manners.ignore_write_errors:
            log.line(f"write error: {problem} during {_shown(request)}")
        return
    request.core.exceptions += 1
    log.exception(f"the application failed in {_shown(request)}")
    if not answer.sent:
        # Departure: uWSGI closes without a word, or sends the head of an answer that never came.
        try:
            _apologize(request, manners)
        except OSError:
            pass  # the client has gone
    if isinstance(problem, SystemExit):
        if threading.current_thread() is threading.main_thread():
            raise problem
        manners.leave()  # in another thread it would end that one core and nothing else
    elif manners.reload_on_exception:
        name = f"worker {request.worker} (pid: {os.getpid()})"
        log.line(f"... monitored exception detected, respawning {name}...")
        manners.leave()


def _apologize(request: Request, manners: Manners) -> None:
    if not manners.show:
        request.fail(INTERNAL)
        return
    import traceback

    method, uri = (request.environ.get(key, "") for key in ("REQUEST_METHOD", "REQUEST_URI"))
    lines = [
        f'uWSGI exceptions catcher for "{method} {uri}" '
        f'(request plugin: "python", modifier1: {request.modifier1})',
        "",
        traceback.format_exc(),
        *(f"{key}={value}" for key, value in request.environ.items()),
        "",
    ]
    body = "\n".join(lines).encode("utf-8", "replace")
    headers = [("Connection", "close"), ("Content-Type", "text/plain")]
    request.respond(INTERNAL, [*headers, ("Content-Length", str(len(body)))], body)


def _retire() -> None:
    """Let this worker finish its requests and be replaced, as the signal asks any worker to."""
    os.kill(os.getpid(), signal.SIGHUP)


def _shown(request: Request) -> str:
    given = request.environ.get
    return f"{given('REQUEST_METHOD')} {given('REQUEST_URI')} ({given('REMOTE_ADDR')})"


def _unserved(request: Request) -> int:
    """Close a connection on which there is nothing for an application."""
    request.keep = False
    if request.environ:
        log.line(f"-- unavailable modifier requested: {request.modifier1} --")
    else:
        log.line("Empty python request. skip.")
    return DONE
