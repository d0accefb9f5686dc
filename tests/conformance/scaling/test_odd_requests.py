"""Odd HTTP requests, byte for byte, at http-socket and behind http.

What: a line of the table is a request and what becomes of it: the variables that the app must see
      (served), or REFUSED: closed without a byte or answered with a 4xx; EITHER leaves it open
      whether a lenient server serves it.  Nowhere may the server hang or die.
"""

from typing import NamedTuple

import pytest

from tests.conformance.harness import Answer, Starter, Subject, covers, exchange

REFUSED, EITHER = "refused", "either"
Wanted = str | dict[str, str]


class Odd(NamedTuple):
    row: str
    name: str
    request: bytes
    at_socket: Wanted
    behind_router: Wanted | None = None  # None: as at the socket


def r(path: str, *lines: str, version: str = "HTTP/1.1", method: str = "GET") -> bytes:
    head = "\r\n".join([f"{method} {path} {version}", "Host: localhost", *lines])
    return head.encode("latin-1") + b"\r\n\r\n"


H = b"\r\nHost: localhost\r\n\r\n"
TABLE = [
    Odd("SC-80", "no Host, 1.0", b"GET /p HTTP/1.0\r\n\r\n", {"PATH_INFO": "/p"}),
    Odd("SC-80", "no Host, 1.1", b"GET /p HTTP/1.1\r\n\r\n", EITHER),
    Odd("SC-81", "empty Host", b"GET /p HTTP/1.1\r\nHost:\r\n\r\n", EITHER),
    Odd(
        "SC-82",
        "Host of 255 bytes",
        b"GET / HTTP/1.1\r\nHost: " + b"h" * 255 + b"\r\n\r\n",
        {"HTTP_HOST": "h" * 255},
    ),
    Odd("SC-82", "Host of 300", b"GET / HTTP/1.1\r\nHost: " + b"h" * 300 + b"\r\n\r\n", EITHER),
    Odd("SC-83", "two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", EITHER),
    Odd("SC-84", "bare LF", b"GET / HTTP/1.1\nHost: a\n\n", EITHER),
    Odd("SC-85", "a bare LF in the head", b"GET / HTTP/1.1\r\nX-A: b\nX-B: c" + H, EITHER),
    Odd("SC-86", "garbage", b"GARBAGE\r\n\r\n", EITHER, REFUSED),
    Odd("SC-86", "nothing", b"\r\n\r\n", EITHER, REFUSED),
    Odd("SC-87", "no protocol", b"GET /\r\n\r\n", EITHER, REFUSED),
    Odd("SC-88", "CRLF first", b"\r\n" + r("/"), EITHER, EITHER),
    Odd("SC-89", "two spaces", b"GET  / HTTP/1.1" + H, EITHER),
    Odd("SC-89", "a space in the URI", b"GET /a b HTTP/1.1" + H, EITHER),
    Odd("SC-90", "unknown method", r("/", method="BREW"), {"REQUEST_METHOD": "BREW"}),
    Odd("SC-90", "lower-case method", r("/", method="get"), {"REQUEST_METHOD": "get"}),
    # PATH_INFO is `*` in the original; PEP 3333 wants a path or nothing there.
    Odd("SC-90", "OPTIONS *", r("*", method="OPTIONS"), {"REQUEST_URI": "*"}),
    Odd("SC-90", "CONNECT", r("ex.com:443", method="CONNECT"), EITHER),
    Odd("SC-91", "absolute URI", r("http://ex.com/p"), EITHER),
    Odd(
        "SC-92",
        "dots",
        r("/a/../b/./c?q"),
        {"PATH_INFO": "/b/c", "REQUEST_URI": "/a/../b/./c?q", "QUERY_STRING": "q"},
    ),
    Odd("SC-93", "%2F", r("/a%2Fb%20c"), {"PATH_INFO": "/a/b c", "REQUEST_URI": "/a%2Fb%20c"}),
    Odd("SC-93", "UTF-8", r("/%C3%A9"), {"PATH_INFO": "/\u00c3\u00a9"}),
    Odd("SC-93", "bad escapes", r("/a%zz%"), EITHER),
    Odd("SC-94", "fragment", r("/a#b?c"), EITHER),
    Odd("SC-95", "no colon", r("/", "Nonsense"), REFUSED),
    Odd("SC-95", "no name", r("/", ": value"), REFUSED),
    Odd("SC-96", "space before the colon", r("/", "X-A : v"), EITHER),
    Odd("SC-97", "folded", r("/", "X-A: a", " b"), EITHER),
    Odd("SC-98", "twice", r("/", "X-A: 1", "X-B: 2", "X-A: 3"), {"HTTP_X_A": "1, 3"}),
    Odd("SC-98", "two Cookies", r("/", "Cookie: a=1", "Cookie: b=2"), EITHER),
    Odd("SC-98", "dash and underscore", r("/", "X-A: 1", "X_A: 2"), EITHER),
    Odd("SC-99", "leading spaces", r("/", "X-A:    v"), {"HTTP_X_A": "v"}),
    Odd("SC-99", "high bytes", r("/", "X-A: \xe9"), {"HTTP_X_A": "\xe9"}),
    Odd("SC-99a", "Content-Length twice", r("/", "Content-Length: 3", "Content-Length: 5"), EITHER),
    Odd("SC-99b", "negative Content-Length", r("/", "Content-Length: -3"), EITHER),
    Odd("SC-99b", "Content-Length x", r("/", "Content-Length: x"), EITHER),
    Odd("SC-99b", "empty Content-Length", r("/", "Content-Length:"), EITHER),
    Odd("SC-99c", "23 digits", r("/", "Content-Length: " + "9" * 23), EITHER),
    Odd(
        "SC-99d",
        "more than Content-Length",
        r("/", "Content-Length: 3", method="POST") + b"abcdef",
        {"body": "abc"},
    ),
    Odd("SC-99d", "pipelined", r("/one") + r("/two"), {"PATH_INFO": "/one"}),
    Odd(
        "SC-99f",
        "Expect",
        r("/", "Expect: 100-continue", "Content-Length: 2", method="POST") + b"hi",
        {"HTTP_EXPECT": "100-continue", "body": "hi"},
    ),
    Odd("SC-99g", "a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 3, REFUSED),
    Odd("SC-99g", "a uwsgi packet", b"\x00\x0a\x00\x00\x03\x00abc\x03\x00def", REFUSED),
    Odd("SC-99g", "an unfinished head", b"GET / HTTP/1.1\r\nHost: x\r\n", REFUSED),
    Odd("SC-99h", "70000 bytes without end", b"GET /" + b"a" * 70000, REFUSED),
]


@pytest.fixture(scope="module", params=["http-socket", "http"])
def front(request: pytest.FixtureRequest, start_module: Starter) -> tuple[str, Subject]:
    kind: str = request.param
    subject = start_module(
        f"""
        {kind} = 127.0.0.1:PORT
        master = true
        threads = 4
        module = dump_app
        socket-timeout = 1
        {"http-timeout = 5" if kind == "http" else ""}
        """,
        tracebacks=True,
    )
    return kind, subject


@covers("SC-80", "SC-81", "SC-82", "SC-83", "SC-84", "SC-85", "SC-86", "SC-87", "SC-88", "SC-89")
@covers("SC-90", "SC-91", "SC-92", "SC-93", "SC-94", "SC-95", "SC-96", "SC-97", "SC-98", "SC-99")
@covers("SC-99a", "SC-99b", "SC-99c", "SC-99d", "SC-99f", "SC-99g", "SC-99h")
@pytest.mark.parametrize(
    ("row", "odd"), [(odd.row, odd) for odd in TABLE], ids=[odd.name for odd in TABLE]
)
def test_an_odd_request(front: tuple[str, Subject], row: str, odd: Odd) -> None:
    """It is served with the right variables, or refused: never a hang."""
    kind, subject = front
    wanted = odd.at_socket
    if kind == "http" and odd.behind_router is not None:
        wanted = odd.behind_router
    answer = exchange(subject.port, odd.request)
    if isinstance(wanted, dict):
        assert answer.status == 200, answer
        seen = answer.json()
        assert {name: seen.get(name) for name in wanted} == wanted
    elif wanted == REFUSED:
        assert refused(answer), answer
    else:
        assert refused(answer) or b'"wsgi.version"' in answer.raw, answer


def refused(answer: Answer) -> bool:
    return answer.raw == b"" or 400 <= answer.status < 500


@covers("SC-99e")
def test_a_chunked_body_is_read_or_left_never_mixed_up(front: tuple[str, Subject]) -> None:
    """The app sees the decoded body or none; the raw chunk syntax only if it asked for it."""
    chunks = b"3\r\nabc\r\n0\r\n\r\n"
    head = r("/", "Transfer-Encoding: chunked", method="POST")
    answer = exchange(front[1].port, head + chunks)
    assert refused(answer) or answer.json()["body"] in ("", "abc")


@covers("SC-86")
def test_it_still_serves_after_all_that(front: tuple[str, Subject]) -> None:
    assert exchange(front[1].port, r("/alive")).json()["PATH_INFO"] == "/alive"
    assert "respawn" not in front[1].log.lower()
