import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.scaling import http_answer
from refuwsgi.scaling.http_answer import LARGEST_HEAD, Answer, size_of

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


@pytest.mark.parametrize(("step", "many"), [(1, 3), (7, 9), (1000, 99), (1 << 20, 3000)])
@pytest.mark.parametrize(
    "end", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 103 E"]
)
def test_any_number_of_heads_may_come_before_it(step: int, many: int, end: bytes) -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * many
    got = b"".join(bytes(answer.feed(memoryview(before + end)[at : at + step]))
                   for at in range(0, len(before + end), step))  # fmt: skip
    assert got + answer.end() == before + end
    assert answer.keep == (end[-2:] == b"hi")


def test_a_head_without_end_is_not_collected_for_ever() -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    data = HEAD + b"A: " + b"x" * LARGEST_HEAD
    assert bytes(answer.feed(memoryview(data))) == data


STATUSES = st.sampled_from([b"200 OK", b"404 No", b"204 No", b"304 Not", b"100 Continue", b"2x0 "])
LINES = st.lists(
    st.sampled_from(
        [b"Content-Length: 2", b"Content-Length: 3", b"content-length: 2", b"Content-Length:2",
         b"Content-Length: 2 ", b"Content-Length: x", b"CONTENT-LENGTH: 1", b"X-Length: 1",
         b"Content-L", b"Content-LX: Yength: 3", b"X: length: 2", b"Set-Cookie: secret", b"X: 1",
         b"Connection: close", b"Connection: keep-alive", b"Transfer-Encoding: chunked",
         b"Content-Length: " + b"0" * 18 + b"1", b"Content-Length: " + b"0" * 17 + b"1"]
    ),
    max_size=3,
)  # fmt: skip
ANSWERS = st.tuples(STATUSES, LINES, st.sampled_from([b"", b"hi", b"h", b"longer"]), st.booleans())


@given(st.lists(ANSWERS, min_size=1, max_size=8))
def test_what_came_before_changes_nothing(
    answers: list[tuple[bytes, list[bytes], bytes, bool]],
) -> None:
    for status, lines, body, bodiless in answers * 2:
        head = b"\r\n".join((b"HTTP/1.1 " + status, *lines)) + b"\r\n\r\n"
        http_answer._alike.clear()
        alone = Answer(bodiless=bodiless, auto_chunked=False)
        wanted = passed(head + body, 1, alone), alone.done, alone.keep
        for first, *_ in answers:
            Answer(bodiless=False, auto_chunked=False).feed(
                memoryview(head.replace(status, first).replace(b": 2", b": 5"))
            )
        for step in (1000, len(head), len(head) - 2, len(head) + 1):
            answer = Answer(bodiless=bodiless, auto_chunked=False)
            assert (passed(head + body, step, answer), answer.done, answer.keep) == wanted


def test_what_needs_no_change_is_passed_on_where_it_is() -> None:
    http_answer._alike.clear()
    head = HEAD + b"Content-Length: %d\r\nX: 1\r\n\r\n"
    for size in (5, 0, 70000):
        data = memoryview(head % size + b"x" * size)
        answer = Answer(bodiless=False, auto_chunked=False)
        assert (size_of(data) == len(data)) == (size != 5)  # which is the first of its kind
        assert answer.feed(data) is data
        assert answer.done
        assert answer.keep
        assert size_of(data) == size_of(data[: len(data) // 2 + 30]) == len(data)
        assert isinstance(size_of(data[: len(head) - 6]), tuple)


def test_a_long_head_is_found_in_any_pieces() -> None:
    data = HEAD + b"X: " + b"x" * 3000 + b"\r\nContent-Length: 2\r\n\r\nhi"
    for step in (1000, 3000, 3019, 5000):
        answer = Answer(bodiless=False, auto_chunked=False)
        assert passed(data, step, answer) == data
        assert answer.keep


def test_a_cookie_is_not_remembered() -> None:
    http_answer._alike.clear()
    head = HEAD + b"Content-Length: 2\r\nSet-Cookie: secret\r\n\r\nhi"
    passed(head, 1000, Answer(bodiless=False, auto_chunked=False))
    assert not http_answer._alike


def test_the_heads_that_are_remembered_are_bounded() -> None:
    sizes = set()
    for number in range(600):
        head = HEAD + b"Content-Length: 2\r\nX: %d\r\n\r\nhi" % number
        passed(head, 1000, Answer(bodiless=False, auto_chunked=False))
        sizes.add(len(http_answer._alike))
    assert max(sizes) == http_answer.ALIKE
    long = HEAD + b"Content-Length: 2\r\nX: " + b"x" * http_answer.ALIKE_HEAD + b"\r\n\r\nhi"
    http_answer._alike.clear()
    passed(long, 1000, Answer(bodiless=False, auto_chunked=False))
    assert not http_answer._alike


def test_what_only_resembles_a_known_head_is_not_taken_for_it() -> None:
    http_answer._alike.clear()
    for lines in (b"Content-Length: 5\r\nX-A: 1", b"X-A: 1\r\nContent-Length: 5"):
        data = memoryview(HEAD + lines + b"\r\n\r\nhello")
        Answer(bodiless=False, auto_chunked=False).feed(data)
        assert size_of(data) == len(data)
    for lines in (
        b"Content-LX-A: 1ength: 5\r\n\r\n",
        b"X-A: 1\r\nContent-Length: 5",
        b"X-A: 1\r\nContent-Length: 5x\r\n\r\n",
        b"X-A: 1\r\nContent-Length: \r\n\r\n",
        b"X-A: 1\r\nContent-Length: " + b"0" * 18 + b"5\r\n\r\n",
    ):
        assert isinstance(size_of(memoryview(HEAD + lines)), tuple)
    answer = Answer(bodiless=False, auto_chunked=False)
    begun = bytes(answer.feed(memoryview(HEAD + b"X: ")))
    assert begun + bytes(answer.feed(data)) == HEAD + b"X: " + bytes(data)


def test_bytes_of_a_known_length_may_pass_unread() -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    assert answer.unread == 0
    answer.feed(memoryview(HEAD + b"Content-Length: 10\r\n\r\n1"))
    assert answer.unread == 9
    answer.passed(4)
    assert bytes(answer.feed(memoryview(b"234"))) == b"234"
    assert (answer.unread, answer.done) == (2, False)
    answer.passed(2)
    assert (answer.unread, answer.done, answer.keep) == (0, True, True)


def test_bytes_without_an_end_of_their_own_may_all_pass_unread() -> None:
    answer = Answer(bodiless=False, auto_chunked=False)
    answer.feed(memoryview(b"HTTP/1.0 200 OK\r\n\r\n"))
    assert answer.unread > 1 << 60
    answer.passed(1000)
    assert answer.unread > 1 << 60
    assert not answer.done


@pytest.mark.parametrize("auto", [True, False])
def test_chunks_do_not_pass_unread(auto: bool) -> None:
    answer = Answer(bodiless=False, auto_chunked=auto)
    coding = b"" if auto else b"Transfer-Encoding: chunked\r\n"
    answer.feed(memoryview(HEAD + coding + b"\r\n"))
    assert answer.unread == 0
