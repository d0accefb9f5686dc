"""Request heads: what is understood, and what is refused because it could be understood twice."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refuwsgi.protocol import http
from refuwsgi.protocol.http import Head, HeadError

HOST = b"Host: a\r\n"


def parse(text: bytes) -> Head:
    end = http.head_end(text)
    assert end > 0
    head = http.read_head(text[:end])
    assert http.parse_head(text, end) == head
    return head


def get(headers: bytes = b"", line: bytes = b"GET / HTTP/1.1") -> Head:
    return parse(line + b"\r\n" + HOST + headers + b"\r\n")


def status_of(text: bytes) -> str:
    with pytest.raises(HeadError) as caught:
        parse(text)
    return caught.value.status[:3]


def refused(headers: bytes, line: bytes = b"POST / HTTP/1.1") -> str:
    return status_of(line + b"\r\n" + HOST + headers + b"\r\n")


def test_a_head_becomes_vars() -> None:
    head = parse(
        b"POST /a%20b/c?d=%20e HTTP/1.1\r\nHost: example.com:80\r\nX-One:  1 \r\n"
        b"Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n"
    )
    assert head.environ == {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "/a%20b/c?d=%20e",
        "PATH_INFO": "/a b/c",
        "QUERY_STRING": "d=%20e",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "HTTP_HOST": "example.com:80",
        "HTTP_X_ONE": "1",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "12",
    }
    assert head[1:] == (12, False, True, False)


def test_targets_of_every_kind_are_taken_apart() -> None:
    for target, path, query in (("/a?b", "/a", "b"), ("/a/./b", "/a/b", ""), ("/a#b", "/a", "")):
        environ = get(line=f"GET {target} HTTP/1.1".encode()).environ
        assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)
    environ = get(line=b"GET http://b/c HTTP/1.1").environ
    assert (environ["PATH_INFO"], environ["HTTP_HOST"]) == ("/c", "b")
    assert refused(b"", b"GET /\x7f HTTP/1.1") == "400"


def test_a_request_without_a_length_has_no_body() -> None:
    assert get().content_length == 0


@pytest.mark.parametrize(
    ("number", "headers", "status"),
    [
        ("H1", b"Content-Length: 3\r\nContent-Length: 6\r\n", "400"),
        ("H1", b"Content-Length: 5\r\nContent-Length: 5\r\n", "400"),
        ("H1", b"Content-Length: 5, 5\r\n", "400"),
        ("H2", b"Content-Length: +5\r\n", "400"),
        ("H2", b"Content-Length: -1\r\n", "400"),
        ("H2", b"Content-Length: 0x5\r\n", "400"),
        ("H2", b"Content-Length: 1_0\r\n", "400"),
        ("H2", b"Content-Length: \r\n", "400"),
        ("H2", b"Content-Length: \xb2\r\n", "400"),
        ("H2", b"Content-Length: 5 5\r\n", "400"),
        ("H1", b"Content-Type: a/b\r\nContent-Type: c/d\r\n", "400"),
        ("H2", b"Content-Length: 18446744073709551619\r\n", "400"),
        ("H2", b"Content-Length: 1234567890123456789\r\n", "400"),
        ("H3", b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("H4", b"Transfer-Encoding: xchunked\r\n", "501"),
        ("H4", b"Transfer-Encoding: identity\r\n", "501"),
        ("H4", b"Transfer-Encoding: ,chunked\r\n", "501"),
        ("H4", b"Transfer-Encoding: chunked, chunked\r\n", "501"),
        ("H4", b"Transfer-Encoding: gzip, chunked\r\n", "501"),
        ("H4", b"Transfer-Encoding: \x0bchunked\r\n", "400"),
        ("H4", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "400"),
        ("H4", b"Transfer-Encoding : chunked\r\n", "400"),
        ("H7", b"X-A: one\r\n two\r\n", "400"),
        ("H7", b"X-A: one\rX-B: two\r\n", "400"),
        ("H7", b"X-A: one\nX-B: two\r\n", "400"),
        ("H7", b"X-A: a\x00b\r\n", "400"),
        ("H7", b"X-A: a\x7fb\r\n", "400"),
        ("H7", b"X-A: a\x1bb\r\n", "400"),
        ("H8", b"X-A : 1\r\n", "400"),
        ("H8", b"X-A\t: 1\r\n", "400"),
        ("H8", b": 1\r\n", "400"),
        ("H8", b"X-A\r\n", "400"),
        ("H8", b"X(A): 1\r\n", "400"),
        ("H8", b"X\xe9: 1\r\n", "400"),
        ("H8", b" X-A: 1\r\n", "400"),
        ("H11", b"Host: b\r\n", "400"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(
    number: str, headers: bytes, status: str
) -> None:
    assert refused(headers) == status


def test_a_modern_request_has_one_host() -> None:
    assert status_of(b"GET / HTTP/1.1\r\n\r\n") == "400"
    assert status_of(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n") == "400"
    assert status_of(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == "400"
    assert "HTTP_HOST" not in parse(b"GET / HTTP/1.0\r\n\r\n").environ


def test_names_that_only_look_alike_are_dropped() -> None:
    odd = b"X_A: evil\r\nContent_Length: 3\r\nProxy: http://evil\r\n"
    environ = get(b"X-A: good\r\n" + odd + b"X-B: behind\r\n").environ
    assert environ["HTTP_X_A"] == "good"
    assert environ["HTTP_X_B"] == "behind"
    assert environ.keys() - get().environ.keys() == {"HTTP_X_A", "HTTP_X_B"}
    assert not {"CONTENT_LENGTH", "HTTP_CONTENT_LENGTH", "HTTP_PROXY", ""} & environ.keys()


def test_headers_that_come_twice_are_joined_in_order() -> None:
    environ = get(b"X-A: 1\r\nCookie: a=1\r\nx-a: 2\r\nCookie: b=2\r\n").environ
    assert environ["HTTP_X_A"] == "1, 2"
    assert environ["HTTP_COOKIE"] == "a=1, b=2"


def test_bytes_of_a_value_are_kept() -> None:
    environ = get(b"X-A: \t caf\xc3\xa9\ta  b \t\r\n").environ
    assert environ["HTTP_X_A"] == "caf\xc3\xa9\ta  b"
    assert get(b"X-A: x\xe2\x82\xacx\r\n").environ["HTTP_X_A"] == "x\xe2\x82\xacx"


@pytest.mark.parametrize(
    ("line", "headers", "keep"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: keep-alive\r\n", True),
        (b"GET / HTTP/1.1", b"Connection: Close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: upgrade, close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: xclose, closex\r\n", True),
        (b"GET / HTTP/1.1", b"Connection: \tclose\t,upgrade\r\n", False),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", False),
        (b"GET / HTTP/1.7", b"", True),
    ],
)
def test_the_connection_is_kept_for_modern_clients(line: bytes, headers: bytes, keep: bool) -> None:
    head = get(headers, line)
    assert head.keep_alive is keep
    assert head.environ["SERVER_PROTOCOL"] in ("HTTP/1.0", "HTTP/1.1")


def test_a_chunked_body_and_a_client_that_waits_are_seen() -> None:
    head = get(b"Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n")
    assert head.chunked
    assert head.expect
    assert not get(b"Expect: 100-continue\r\n", b"POST / HTTP/1.0").expect
    assert refused(b"Transfer-Encoding: chunked\r\n", b"POST / HTTP/1.0") == "400"


def test_empty_lines_before_a_request_are_forgiven() -> None:
    text = b"\r\n\r\nGET / HTTP/1.0\r\n\r\n"
    assert parse(text).environ["REQUEST_METHOD"] == "GET"
    assert parse(b"\r\n" * 4 + text[4:]).environ["REQUEST_METHOD"] == "GET"
    assert http.head_end(b"\r\n" * 9) == 4
    assert status_of(b"\r\n" * 5 + b"GET / HTTP/1.0\r\n\r\n") == "400"
    assert status_of(b"\r\n" * 9 + b"GET / HTTP/1.0\r\n\r\n") == "400"
    assert status_of(b"\r\rGET / HTTP/1.0\r\n\r\n") == "400"


def test_empty_lines_mean_the_same_in_any_two_pieces() -> None:
    """What follows them may begin like another one."""
    text = b"\r\n\r\n\r GET"
    assert http.head_end(text) == http.head_end(text, 4) == -1
    assert http.head_end(b"\r\n" * 3 + b"\n") == -1


def test_the_number_of_headers_is_limited() -> None:
    text = b"GET / HTTP/1.0\r\n%s\r\n"
    assert parse(text % (b"X: 1\r\n" * 128)).environ["HTTP_X"].count("1") == 128
    assert status_of(text % (b"X: 1\r\n" * 129)) == "431"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", "400"),
        (b"GET / HTTP/1.0\n\n", "400"),
        (b"\x1f", "400"),
        (b"GET /" + b"x" * 4091, "414"),
        (b"GET /" + b"x" * 5000, "414"),
        (b"GET / HTTP/1.0\r\nX: " + b"x" * 5000, "431"),
    ],
)
def test_a_hopeless_beginning_is_refused_at_once(data: bytes, status: str) -> None:
    with pytest.raises(HeadError) as caught:
        http.check_unfinished(data, 4096)
    assert caught.value.status.startswith(status)


def test_a_promising_beginning_is_waited_for() -> None:
    http.check_unfinished(b"GET /" + b"x" * 4090, 4096)
    http.check_unfinished(b" ", 4096)
    for size in range(30):
        http.check_unfinished(b"\r\nGET / HTTP/1.0\r\nX-A: 1\r\nB: 2"[:size], 4096)


HEADS = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b":", b"Host", b"a", b"\t", b"%", b"?", b".",
             b"Content-Length", b"Transfer-Encoding", b"chunked", b"1", b"\x00", b"\xff", b"http://"]
        ),
        max_size=40,
    ).map(b"".join),
)  # fmt: skip


@given(HEADS)
@settings(max_examples=300)
def test_any_bytes_are_a_head_or_an_error(text: bytes) -> None:
    data = text + b"\r\n\r\n"
    end = http.head_end(data)
    try:
        head = http.parse_head(data, end if end > 0 else len(data))
    except HeadError as problem:
        status = problem.status[:3]
    else:
        status = "400"
        assert head.environ["PATH_INFO"][:1] in ("", "/")
        assert "\0" not in head.environ["PATH_INFO"]
    assert status in ("400", "431", "501", "505")


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_the_end_is_found_byte_by_byte_as_in_one_piece(text: bytes, tail: bytes) -> None:
    data = b"GET / HTTP/1.0\r\n" + text + b"\r\n\r\n" + tail
    whole = http.head_end(data)
    grown, found = bytearray(), -1
    for octet in data:
        seen = len(grown)
        grown.append(octet)
        found = http.head_end(grown, seen)
        if found > 0:
            break
    assert found == whole
    assert http.head_end(data[: whole - 1]) == -1


@pytest.mark.parametrize(
    "text",
    [
        b"GET /" + b"/." * 32000 + b" HTTP/1.0\r\n\r\n",
        b"GET /" + b"/.." * 21000 + b" HTTP/1.0\r\n\r\n",
        b"GET /" + b"%41" * 21000 + b" HTTP/1.0\r\n\r\n",
        b"GET /" + b"%" * 65000 + b" HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"X: 1\r\n" * 10000 + b"\r\n",
        b"GET / HTTP/1.0\r\nX: " + b" \t" * 32000 + b"\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: " + b"," * 64000 + b"\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"x" * 64000 + b": 1\r\n\r\n",
        b"\r\n" * 32000 + b"\r\n\r\n",
    ],
)
def test_the_worst_input_is_read_in_linear_time(text: bytes) -> None:
    began = time.process_time()
    try:
        http.parse_head(text, len(text))
    except HeadError:
        pass
    assert time.process_time() - began < 0.5  # about a hundred times of what it takes


def test_the_longest_length_has_eighteen_digits() -> None:
    assert get(b"Content-Length: 123456789012345678\r\n").content_length == 123456789012345678


def test_a_head_is_made_of_status_and_headers() -> None:
    made = http.head_of("HTTP/1.1", "200 OK", [("A", "1"), ("B", "\xe9")])
    assert made == b"HTTP/1.1 200 OK\r\nA: 1\r\nB: \xe9\r\n\r\n"
