"""wsgi.input: a file that ends where the request ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi import api
from refuwsgi.request import Request, SizedBody
from refuwsgi.wsgi.answer import Answer
from refuwsgi.wsgi.body import NO_INPUT, Input, LimitedBody, TooLong, buffered
from refuwsgi.wsgi.environ import Environ
from refuwsgi.wsgi.serving import run
from tests.unit.wsgi.stand import Stand

TEXT = b"one\ntwo\r\n\nthree"


@pytest.fixture
def stand() -> Iterator[Stand]:
    with Stand(TEXT) as made:
        yield made


def input_of(stand: Stand) -> Input:
    stand.request.core.answer = Answer(stand.request, {})
    return Input(stand.request, stand.request.body)


@pytest.mark.parametrize("ask", [Input.read, Input.readline, Input.readlines, list])
def test_what_a_later_client_sends_is_not_read(
    stand: Stand, ask: Callable[[Input], object]
) -> None:
    file = input_of(stand)
    assert file.read(3) == TEXT[:3]
    for later in (None, Answer(Request(stand.request.fd, {}, stand.request.core), {})):
        stand.request.core.answer = later
        with pytest.raises(OSError, match="wsgi.input is read after the request is over"):
            ask(file)
    stand.request.core.answer = Answer(stand.request, {})
    assert file.read() == TEXT[3:]


def test_the_end_can_be_read_again_and_again(stand: Stand) -> None:
    file = input_of(stand)
    assert file.read() == TEXT
    stand.request.core.answer = None
    assert (file.read(), file.readline(), list(file)) == (b"", b"", [])


def test_reading_takes_what_was_asked_for_and_ends(stand: Stand) -> None:
    file = input_of(stand)
    assert file.read(3) == b"one"
    assert file.read(0) == b""
    assert file.read(2) == b"\nt"
    assert file.read(-1) == TEXT[5:]
    assert (file.read(), file.read(5), file.readline(), file.tell()) == (b"", b"", b"", len(TEXT))


def test_lines_come_with_their_ends(stand: Stand) -> None:
    assert list(input_of(stand)) == [b"one\n", b"two\r\n", b"\n", b"three"]


def test_a_line_may_be_taken_in_pieces(stand: Stand) -> None:
    file = input_of(stand)
    assert [file.readline(2) for _ in range(3)] == [b"on", b"e\n", b"tw"]
    assert file.readline(0) == b""
    assert file.readlines() == [b"o\r\n", b"\n", b"three"]


def test_a_hint_ends_the_lines_early(stand: Stand) -> None:
    assert input_of(stand).readlines(4) == [b"one\n"]


@given(st.lists(st.tuples(st.sampled_from(["read", "readline"]), st.integers(-1, 9)), max_size=20))
def test_any_mixture_of_reads_gives_the_same_bytes(steps: list[tuple[str, int]]) -> None:
    with Stand(TEXT) as stand:
        file = input_of(stand)
        got = b"".join(getattr(file, name)(size) for name, size in steps)
        assert got + file.read() == TEXT


def test_it_cannot_be_rewound(stand: Stand) -> None:
    with pytest.raises(OSError, match="post-buffering"):
        input_of(stand).seek(0)


def late(stand: Stand, size: int, timeout: float = 10) -> Input:
    stand.request.body = SizedBody(stand.server.fileno(), b"", size, timeout)
    return input_of(stand)


def test_reading_waits_for_what_comes_later(stand: Stand) -> None:
    file = late(stand, 6)
    stand.client.sendall(b"abc\nde")
    assert (file.readline(), file.read()) == (b"abc\n", b"de")


def test_nothing_behind_the_body_is_read(stand: Stand) -> None:
    file = late(stand, 3)
    stand.client.sendall(b"abcGET / HTTP/1.1")
    assert file.read() == b"abc"
    assert os.read(stand.server.fileno(), 100) == b"GET / HTTP/1.1"


def test_a_client_that_leaves_early_is_an_error(stand: Stand) -> None:
    file = late(stand, 6)
    stand.client.sendall(b"abc")
    stand.client.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError, match="error during read"):
        file.read()
    assert not stand.request.keep


def test_a_client_that_is_silent_is_an_error(stand: Stand) -> None:
    with pytest.raises(OSError, match=r"timeout during read\(5\)"):
        late(stand, 6, timeout=0.01).read(5)


@pytest.mark.parametrize("memory", [5, 100])
def test_a_buffered_body_can_be_rewound(stand: Stand, memory: int) -> None:
    file = buffered(stand.request.body, memory)
    assert (file.read(), file.seek(0), file.read(3)) == (TEXT, 0, b"one")
    file.close()


def test_a_body_without_announced_length_ends_at_the_limit(stand: Stand) -> None:
    body = LimitedBody(stand.request.body, 10)
    assert body.read(4) == b"one\n"
    with pytest.raises(TooLong):
        body.read()
    with Stand(TEXT) as other:
        assert LimitedBody(other.request.body, 100).read() == TEXT


def test_requests_without_a_body_share_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (NO_INPUT.read(), NO_INPUT.readline(), NO_INPUT.tell()) == (b"", b"", 0)
    monkeypatch.setattr(api.running, "core", None)
    with pytest.raises(OSError, match="no request runs in this thread"):
        NO_INPUT.fileno()
    with Stand() as stand:
        seen: list[int] = []

        def application(environ: Environ, start_response: Any) -> list[bytes]:
            seen.append(NO_INPUT.fileno())
            start_response("200 OK", [])
            return []

        run(application, stand.request)
        assert seen == [stand.request.fd]
