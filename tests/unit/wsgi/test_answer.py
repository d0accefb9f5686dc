"""What PEP 3333 promises to an application and to its client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from refuwsgi.request import Request
from refuwsgi.wsgi import serving
from tests.unit.wsgi.stand import Stand, answer_to, app

SIX = [("Content-Length", "6")]
APOLOGY = b"HTTP/1.1 500 Internal Server Error\r\n"


def test_the_head_is_the_applications_own() -> None:
    got, request = answer_to(app("200 OK", [("x-A", "1"), ("B", "\xe9")], [b"hello"]))
    assert got == b"HTTP/1.1 200 OK\r\nx-A: 1\r\nB: \xe9\r\n\r\nhello"
    assert (request.status, request.headers, request.size, request.chunks) == (200, 2, 5, 1)
    assert not request.keep  # nothing says where the answer ends


def test_head_and_body_go_out_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = os.write

    def spy(fd: int, data: bytes) -> int:
        writes.append(data)
        return write(fd, data)

    monkeypatch.setattr(os, "write", spy)
    _, request = answer_to(app("200 OK", SIX, [b"hello!"]))
    assert writes == [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!"]
    assert request.keep


def test_chunks_are_sent_as_they_come() -> None:
    with Stand() as stand:
        seen = []

        def body() -> Iterator[bytes]:
            yield b""
            yield b"one"
            seen.append(stand.client.recv(1000))
            yield b"two"
            seen.append(stand.client.recv(1000))

        serving.run(app("200 OK", [], body()), stand.request)
        assert seen == [b"HTTP/1.1 200 OK\r\n\r\none", b"two"]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified"])
def test_an_answer_without_body_has_none(method: str, status: str) -> None:
    got, request = answer_to(app(status, [], [b"body", b"more"]), REQUEST_METHOD=method)
    empty = method == "HEAD" or status[:3] != "200"
    assert got.endswith(b"\r\n\r\n") is empty
    assert request.keep is empty


def test_what_is_written_to_a_head_request_is_dropped() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"one")
        write(b"two")
        return [b"three"]

    got, _ = answer_to(application, REQUEST_METHOD="HEAD")
    assert got == b"HTTP/1.1 200 OK\r\n\r\n"


def test_nothing_is_written_when_the_request_is_over() -> None:
    kept = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        kept.append(start_response("200 OK", []))
        kept[-1](b"one")
        return [b"two"]

    for _ in range(2):
        got, _ = answer_to(application)
        assert got == b"HTTP/1.1 200 OK\r\n\r\nonetwo"
        with pytest.raises(OSError, match="write.. after the request is over"):
            kept[0](b"late")


def test_no_more_is_sent_than_announced() -> None:
    got, request = answer_to(app("200 OK", SIX, [b"hello", b"hello", b"hello"]))
    assert got.endswith(b"\r\n\r\nhelloh")
    assert request.size == 6
    assert not request.keep


def test_a_connection_whose_answer_is_too_short_is_not_kept() -> None:
    assert not answer_to(app("200 OK", SIX, [b"hello"]))[1].keep
    assert not answer_to(app("200 OK", SIX, []))[1].keep


@pytest.mark.parametrize("headers", [[("Connection", "Close")], [("Transfer-Encoding", "chunked")]])
def test_the_application_may_end_the_connection(headers: list[tuple[str, str]]) -> None:
    assert not answer_to(app("200 OK", [*headers, *SIX], [b"hello!"]))[1].keep


def test_a_second_head_replaces_one_that_was_not_sent() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", SIX)
        try:
            raise KeyError("x")
        except KeyError:
            start_response("404 Not Found", [("Content-Length", "2")], sys.exc_info())
        return [b"no"]

    got, request = answer_to(application)
    assert got == b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    assert request.keep


def test_after_the_first_byte_exc_info_is_raised_again() -> None:
    caught = []

    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        try:
            raise KeyError("x")
        except KeyError:
            try:
                start_response("500 Oops", [], sys.exc_info())
            except KeyError as problem:
                caught.append(problem)
                raise

    got, request = answer_to(application)
    assert got == b"HTTP/1.1 200 OK\r\n\r\none"
    assert len(caught) == 1
    assert not request.keep


def test_after_the_first_byte_there_is_no_second_head() -> None:
    problems = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])(b"one")
        with pytest.raises(OSError, match="headers already sent") as caught:
            start_response("200 OK", [])
        problems.append(caught)
        return [b"two"]

    assert answer_to(application)[0] == b"HTTP/1.1 200 OK\r\n\r\nonetwo"
    assert problems


def raises(environ: Any, start_response: Any) -> list[bytes]:
    raise KeyError("early")


def raises_after_start(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    raise KeyError("late")


def never_starts(environ: Any, start_response: Any) -> list[bytes]:
    return [b"body"]


def returns_nothing(environ: Any, start_response: Any) -> None:
    start_response("200 OK", [])


def says_too_much(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("X", "x" * 1000)] * 70)
    return [b"body"]


@pytest.mark.parametrize(
    "application", [raises, raises_after_start, never_starts, returns_nothing, says_too_much]
)
def test_an_error_before_the_first_byte_is_a_500(
    application: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    got, request = answer_to(application)
    assert got.startswith(APOLOGY)
    assert got.endswith(b"\r\n\r\nInternal Server Error")
    assert request.status == 500
    assert not request.keep
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_bytes_go_out_whole_and_what_is_none_is_skipped(capfd: pytest.CaptureFixture[str]) -> None:
    assert answer_to(app("200 OK", [], b"bytes"))[1].chunks == 1
    odd: Any = [b"a", "text", None, bytearray(b"x"), b"", b"b"]
    assert answer_to(app("200 OK", [], odd))[0].endswith(b"\r\n\r\nab")
    assert "Unhandled object from iterator: 'str'" in capfd.readouterr().err


class Body:
    """An iterable that knows whether it was closed."""

    def __init__(self, steps: Callable[[], Iterator[bytes]]) -> None:
        self.steps = steps
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.steps()

    def close(self) -> None:
        self.closed += 1


def fails_at_once() -> Iterator[bytes]:
    raise KeyError("x")


def fails_later() -> Iterator[bytes]:
    yield b"one"
    raise KeyError("x")


@pytest.mark.parametrize("steps", [fails_at_once, fails_later, lambda: iter([b"one"])])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_close_is_called_once_whatever_happens(
    steps: Callable[[], Iterator[bytes]], method: str
) -> None:
    body: Any = Body(steps)
    answer_to(app("200 OK", [], body), REQUEST_METHOD=method)
    assert body.closed == 1


def test_an_error_in_close_is_only_logged(capfd: pytest.CaptureFixture[str]) -> None:
    class Bad(Body):
        def close(self) -> None:
            raise KeyError("in close")

    body: Any = Bad(lambda: iter([b"one"]))
    assert answer_to(app("200 OK", [], body))[0].endswith(b"one")
    assert "in close" in capfd.readouterr().err


def test_a_client_that_left_is_one_line_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with Stand() as stand:
        stand.client.close()
        body: Any = Body(lambda: iter([b"x" * 1000] * 3))
        serving.run(app("200 OK", [], body), stand.request)
        assert body.closed == 1
        assert not stand.request.keep
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_system_exit_goes_on_to_the_worker() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        raise SystemExit(3)

    with Stand() as stand:
        with pytest.raises(SystemExit):
            serving.run(application, stand.request)
        assert stand.received().startswith(APOLOGY)


def test_the_validator_of_the_standard_library_is_content() -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        assert environ["wsgi.input"].read(5) == b"hello"
        environ["wsgi.errors"].write("a line\n")
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"one"
        yield b"two"

    with Stand(b"hello", REQUEST_METHOD="POST") as stand:
        serving.run(validator(application), stand.request)
        assert stand.received().endswith(b"\r\n\r\nonetwo")


def test_each_thread_has_its_own_request() -> None:
    request: list[Request] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        from refuwsgi import api

        request.append(api.running.answer.request)
        start_response("200 OK", [])
        return []

    _, served = answer_to(application)
    assert request == [served]
