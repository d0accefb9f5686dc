import pytest

from refuwsgi.scaling.http_answer import LARGEST_HEAD, Answer

HEAD = b"HTTP/1.1 200 OK\r\n"


def passed(data: bytes, step: int, answer: Answer) -> bytes:
    """Feed an answer in pieces of a size, then its end; give what the client gets."""
    got = b""
    for place in range(0, len(data), step):
        if answer.done:
            break
        got += bytes(answer.feed(memoryview(data[place : place + step])))
    return got if answer.done else got + answer.end()


CASES = [
    pytest.param(HEAD + b"Content-Length: 5\r\n\r\nhello", True, id="with a length"),
    pytest.param(HEAD + b"Content-Length: 0\r\n\r\n", True, id="an empty one"),
    pytest.param(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True, id="in chunks"
    ),
    pytest.param(
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nhi",
        True,
        id="after an early one",
    ),
    pytest.param(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", False, id="closing"),
    pytest.param(HEAD + b"Connection: close\r\n\r\nhello", False, id="closing, without a length"),
    pytest.param(HEAD + b"Content-Length: 5\r\n\r\nhel", False, id="cut short"),
    pytest.param(HEAD + b"Content-Length: 5x\r\n\r\nhello", False, id="a length that is none"),
    pytest.param(
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", False, id="two lengths"
    ),
    pytest.param(
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx", False, id="both"
    ),
    pytest.param(HEAD + b"Transfer-Encoding: gzip\r\n\r\nhello", False, id="another coding"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi", False, id="no chunks"),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", False, id="HTTP/1.0"),
    pytest.param(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\nanything", False, id="upgraded"),
    pytest.param(b"garbage", False, id="garbage"),
    pytest.param(b"HTTP/1.1 200 O", False, id="half a head"),
]


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
@pytest.mark.parametrize(("data", "keep"), CASES)
def test_an_answer_passes_unchanged(data: bytes, keep: bool, step: int) -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    assert passed(data, step, answer) == data
    assert answer.keep == keep


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("headers", [b"A: b\r\n", b""])
def test_one_without_a_length_says_that_it_closes(headers: bytes, step: int) -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    assert passed(HEAD + headers + b"\r\nhi", step, answer) == (
        HEAD + headers + b"Connection: close\r\n\r\nhi"
    )
    assert not answer.keep


def test_one_without_a_length_can_be_cut_into_chunks() -> None:
    answer = Answer(bodiless=False, auto_chunked=True)
    got = bytes(answer.feed(memoryview(HEAD + b"A: b\r\n\r\n")))
    got += bytes(answer.feed(memoryview(b"hello")))
    assert not answer.done
    got += answer.end()
    assert got == HEAD + b"A: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert answer.done
    assert answer.keep


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_no_body_where_there_can_be_none(status: bytes) -> None:
    answer = Answer(bodiless=False, auto_chunked=True)
    head = b"HTTP/1.1 " + status + b"\r\nA: b\r\n\r\n"
    assert passed(head + b"body", 1000, answer) == head
    assert answer.keep


def test_the_answer_to_head_has_no_body() -> None:
    answer = Answer(bodiless=True, auto_chunked=True)
    head = HEAD + b"Content-Length: 5\r\n\r\n"
    assert passed(head + b"hello", 1000, answer) == head
    assert answer.keep


@pytest.mark.parametrize("step", [1, 1000])
def test_what_comes_behind_the_end_is_dropped(step: int) -> None:
    for body in (b"Content-Length: 2\r\n\r\nhi", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        answer = Answer(bodiless=False, auto_chunked=False)
        assert passed(HEAD + body + b"HTTP/1.1 200 OK\r\n", step, answer) == HEAD + body


def test_a_head_without_end_is_not_collected_for_ever() -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    data = HEAD + b"A: " + b"x" * LARGEST_HEAD
    assert bytes(answer.feed(memoryview(data))) == data
