"""The application that most cases run: one path for each thing that a case wants to see.

What: ``/environ`` (as JSON), ``/echo`` (the body), ``/who`` (worker, pid, thread), ``/bytes/N``,
      ``/hold/NAME``: marks that it is inside and waits until the case lets it go,
      everything else: ``hello``.
"""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

CASE = Path(os.environ["CASE_DIR"])
NUMBERS = itertools.count()
LIMIT = 60.0

Environ = dict[str, Any]
Start = Callable[..., Any]


def application(environ: Environ, start_response: Start) -> Iterable[bytes]:
    """Answer by the first part of the path."""
    name, _, rest = environ.get("PATH_INFO", "").lstrip("/").partition("/")
    answer = ANSWERS.get(name, hello)
    body = answer(environ, rest)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def hello(environ: Environ, rest: str) -> bytes:
    """Say hello."""
    return b"hello"


def show(environ: Environ, rest: str) -> bytes:
    """Show the environ: strings as they are, the rest as repr."""
    return json.dumps({k: v if type(v) is str else repr(v) for k, v in environ.items()}).encode()


def echo(environ: Environ, rest: str) -> bytes:
    """Send the body back."""
    data: bytes = environ["wsgi.input"].read()
    return data


def who(environ: Environ, rest: str) -> bytes:
    """Say who is answering."""
    return json.dumps([os.getpid(), os.getppid(), threading.current_thread().name]).encode()


def size(environ: Environ, rest: str) -> bytes:
    """Send so many bytes."""
    return b"x" * int(rest)


def hold(environ: Environ, rest: str) -> bytes:
    """Mark that a request is inside, wait for the file that lets it go."""
    mark = f"{rest}.{os.getpid()}.{threading.get_ident()}.{next(NUMBERS)}.in"
    (CASE / mark).touch()
    end = time.monotonic() + LIMIT
    while not (CASE / f"{rest}.go").exists() and time.monotonic() < end:
        time.sleep(0.01)
    return f"held {rest}".encode()


def leave(environ: Environ, rest: str) -> bytes:
    """End the worker, at once and without a word."""
    os._exit(int(rest))


ANSWERS: dict[str, Callable[[Environ, str], bytes]] = {
    "environ": show,
    "echo": echo,
    "who": who,
    "bytes": size,
    "hold": hold,
    "leave": leave,
}
