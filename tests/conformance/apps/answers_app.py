"""Every way in which an application can answer, right or wrong: one path for each."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CASE = Path(os.environ["CASE_DIR"])
PLAIN = [("Content-Type", "text/plain")]
Environ = dict[str, Any]
Start = Callable[..., Any]
APPS: dict[str, Callable[[Environ, Start], Any]] = {}


def application(environ: Environ, start: Start) -> Any:
    """Call the app that the path names."""
    return APPS[environ["PATH_INFO"].strip("/")](environ, start)


def app(function: Callable[[Environ, Start], Any]) -> Callable[[Environ, Start], Any]:
    """Register an app under its name."""
    APPS[function.__name__] = function
    return function


class Closing:
    """An iterable that tells by a file that it was closed."""

    def __init__(self, name: str, fail: bool = False) -> None:
        self.name, self.fail = name, fail

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        if self.fail:
            raise RuntimeError("as wanted")

    def close(self) -> None:
        """Leave the mark."""
        (CASE / f"{self.name}.closed").touch()


@app
def raises(environ: Environ, start: Start) -> Any:
    raise RuntimeError("as wanted")


@app
def starts_then_raises(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    raise RuntimeError("as wanted")


@app
def raises_later(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    yield b"before"
    raise RuntimeError("as wanted")


@app
def plain_bytes(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return b"hello"


@app
def strange_chunks(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return [b"a", "text", 7, b"b"]


@app
def empty_chunks(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return [b"", b"a", b"", b"b"]


@app
def none_chunks(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return [b"a", None, b"b"]


@app
def none(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)


@app
def never_starts(environ: Environ, start: Start) -> Any:
    return [b"body"]


@app
def starts_too_late(environ: Environ, start: Start) -> Any:
    yield b"one"
    start("200 OK", PLAIN)
    yield b"two"


@app
def generator(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    yield b"one"
    yield b"two"


@app
def starts_twice(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-First", "1")])
    start("202 Accepted", [("X-Second", "2")])
    return [b"x"]


@app
def starts_after_data(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    yield b"data"
    try:
        start("500 Oops", PLAIN)
    except Exception:
        yield b" raised"


@app
def changes_its_mind(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-First", "1")])
    try:
        raise ValueError
    except ValueError:
        start("503 Changed", PLAIN, sys.exc_info())
    return [b"sorry"]


@app
def changes_its_mind_by_name(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-First", "1")])
    try:
        raise ValueError
    except ValueError:
        start("503 Changed", PLAIN, exc_info=sys.exc_info())
    return [b"sorry"]


@app
def fails_too_late(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    yield b"data"
    try:
        try:
            raise ValueError
        except ValueError:
            start("500 Oops", PLAIN, sys.exc_info())
    except ValueError:
        yield b" raised"


@app
def writes(environ: Environ, start: Start) -> Any:
    write = start("200 OK", PLAIN)
    write(b"one ")
    write(b"two ")
    return [b"three"]


@app
def closes(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return Closing("closes")


@app
def closes_after_failing(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return Closing("closes_after_failing", fail=True)


@app
def own_status(environ: Environ, start: Start) -> Any:
    start("299 Very Special", PLAIN)
    return [b"x"]


@app
def bytes_status(environ: Environ, start: Start) -> Any:
    start(b"200 OK", PLAIN)
    return [b"x"]


@app
def headers_tuple(environ: Environ, start: Start) -> Any:
    start("200 OK", tuple(PLAIN))
    return [b"x"]


@app
def header_value_number(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-A", 7)])
    return [b"x"]


@app
def header_not_latin(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-A", "\u20ac")])
    return [b"x"]


@app
def split_header(environ: Environ, start: Start) -> Any:
    start("200 OK", [("X-A", "a\r\nX-Injected: yes")])
    return [b"x"]


@app
def huge_head(environ: Environ, start: Start) -> Any:
    start("200 OK", [(f"X-{n}", "v" * 8000) for n in range(10)])
    return [b"x"]


@app
def too_small_length(environ: Environ, start: Start) -> Any:
    start("200 OK", [("Content-Length", "2")])
    return [b"xx"]


@app
def many_headers(environ: Environ, start: Start) -> Any:
    start("200 OK", [("x-lower", "1"), ("X-Upper", "2"), ("Set-Cookie", "a"), ("Set-Cookie", "b")])
    return [b"x"]


@app
def with_body(environ: Environ, start: Start) -> Any:
    start("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@app
def not_modified(environ: Environ, start: Start) -> Any:
    start("304 Not Modified", [("ETag", "x")])
    return [b"body"]


@app
def system_exit(environ: Environ, start: Start) -> Any:
    raise SystemExit(3)


@app
def file(environ: Environ, start: Start) -> Any:
    (CASE / "file.txt").write_bytes(b"0123456789")
    start("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](open(CASE / "file.txt", "rb"), 4)


@app
def file_from_position(environ: Environ, start: Start) -> Any:
    (CASE / "file2.txt").write_bytes(b"0123456789")
    opened = (CASE / "file2.txt").open("rb")
    opened.seek(4)
    start("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](opened, 4)


@app
def file_in_memory(environ: Environ, start: Start) -> Any:
    start("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"0123456789"), 4)


@app
def prints(environ: Environ, start: Start) -> Any:
    print("printed by the app", flush=True)
    environ["wsgi.errors"].write("written to errors\n")
    environ["wsgi.errors"].flush()
    start("200 OK", PLAIN)
    return [b"x"]
