"""Heads that resemble each other: whatever came before, each is read as if it were the first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.protocol import http, http_alike
from refuwsgi.protocol.http import Head, HeadError

END = b"\r\n\r\n"
HOST = b" HTTP/1.1\r\nHost: a\r\n"

LINES = st.sampled_from(
    [b"GET /", b"GET /a?b", b"GET /?c=d", b"GET /%41/./b#c", b"GET /%00", b"GET /?a#b?c", b"GET  /",
     b"GET / b", b"GET a", b"GET ", b"GET *", b"GET http://b/c", b"GET /\r\nX: y", b"GET /\x7f",
     b"GET /\xe9", b"GET / HTTP/1.0", b"\r\nGET /", b"POST /a", b"HEAD /", b"GETS /", b""]
)  # fmt: skip
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.7", b"HTTP/2.0", b"HTTP/1.1 "])
HEADERS = st.lists(
    st.sampled_from(
        [b"Host: a", b"Host: a", b"Accept: */*", b"accept: x", b"Cookie: a=b", b"X",
         b"Cookie: ", b"cookie: \t d e \t", b"cookie: ookie: ", b"COOKIE: f", b"Cookie: c",
         b"X-Cookie: h", b"X: cookie: i", b"Cookie: \xe9", b"Cookie: \xa0", b"Cookie: \x01",
         b"Cookie: \tx\ty", b"Cookie : j", b" Cookie: k", b"Cookie:", b"Authorization: secret",
         b"Connection: close", b"Content-Length: 3", b"Transfer-Encoding: chunked",
         b"Expect: 100-continue", b"Cookie:g", b"X_Y: 1"]
    ),
    max_size=4,
)  # fmt: skip
HEADS = st.builds(
    lambda line, version, headers: b"\r\n".join((line + b" " + version, *headers)) + END,
    LINES,
    VERSIONS,
    HEADERS,
)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    http_alike._shapes.clear()
    http_alike._gapped.clear()
    http_alike._strangers[:] = [0] * len(http_alike._strangers)


def outcome(head: bytes, *, new: bool, most: int = 3) -> object:
    """What is read, with the order of the vars; or why not."""
    try:
        found = http.read_head(head, most) if new else http.parse_head(head, len(head), most)
    except HeadError as problem:
        return str(problem), problem.status
    return list(found.environ.items()), found[1:]


@given(st.lists(HEADS, min_size=1, max_size=6))
def test_each_head_is_read_as_if_it_were_the_first(heads: list[bytes]) -> None:
    forget()
    for head in heads * 3:
        assert outcome(head, new=False) == outcome(head, new=True)


@given(HEADERS, st.lists(LINES, min_size=1), st.lists(st.binary(max_size=9), min_size=1))
def test_what_differs_may_be_anything(
    headers: list[bytes], lines: list[bytes], cookies: list[bytes]
) -> None:
    forget()
    rest = b"".join(header + b"\r\n" for header in headers)
    for _ in range(3):
        outcome(b"GET /" + HOST + rest + b"\r\n", new=False)
        outcome(b"GET /" + HOST + b"Cookie: x\r\n" + rest + b"\r\n", new=False)
    for line in lines:
        for cookie in (None, *cookies):
            gap = b"" if cookie is None else b"Cookie: " + cookie + b"\r\n"
            head = line + HOST + gap + rest + b"\r\n"
            head = head[: head.find(END) + 4]
            assert outcome(head, new=False) == outcome(head, new=True)


def get(rest: bytes = b"", line: bytes = b"GET /") -> Head:
    head = line + HOST + rest + b"\r\n"
    return http.parse_head(head, len(head))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Note the heads that are read line by line."""
    whole: list[bytes] = []
    read = http.read_head

    def noted(head: bytes, most: int = http.MAX_HEADERS, key: bytes = b"") -> Head:
        whole.append(head)
        return read(head, most, key)

    monkeypatch.setattr(http, "read_head", noted)
    return whole


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"Accept: */*\r\n",
        b"Cookie: a=%d\r\n",
        b"Accept: */*\r\nCookie: a=%d\r\nX-A: 1\r\n",
        b"cookie: \t\xe9%dx\t \r\n",
        b"X-A: 1\r\nX-A: 2\r\nX_A: 3\r\n",
    ],
)
def test_the_third_of_a_kind_is_recalled(monkeypatch: pytest.MonkeyPatch, rest: bytes) -> None:
    whole = counted(monkeypatch)
    for number in range(9):
        head = get(
            rest % number if b"%" in rest else rest, b"GET /%%41%d?q=%d#x" % (number, number)
        )
        assert head.environ["REQUEST_URI"] == f"/%41{number}?q={number}#x"
        assert head.environ["PATH_INFO"] == f"/A{number}"
        assert head.environ["QUERY_STRING"] == f"q={number}"
        cookies = [line for line in rest.lower().split(b"\r\n") if line.startswith(b"cookie:")]
        wanted = [(line[8:] % number).decode("latin-1").strip() for line in cookies]
        assert [v for k, v in head.environ.items() if k == "HTTP_COOKIE"] == wanted
        head.environ["HTTP_HOST"] = head.environ["SPOILT"] = "by the caller"
    assert len(whole) == 2


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a/./b", "/a/b", ""),
        ("/a#b?c", "/a", "c"),
        ("/a?b#c", "/a", "b"),
        ("/%41", "/A", ""),
        ('/a"b?c', '/a"b', "c"),
    ],
)
def test_a_target_is_taken_apart_by_the_same_rules(target: str, path: str, query: str) -> None:
    head = f"GET {target}".encode() + HOST + b"\r\n"
    for _ in range(2):
        http.parse_head(head, len(head))
    found = http.recall_head(head)
    assert isinstance(found, Head)
    assert found == http.read_head(head)
    assert (found.environ["PATH_INFO"], found.environ["QUERY_STRING"]) == (path, query)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (b"GET /", b"Authorization: secret\r\n"),
        (b"GET /", b"Proxy-Authorization: secret\r\n"),
        (b"GET /", b"COOKIE: a\r\n"),
        (b"GET /", b"Cookie: a\r\nCookie: b\r\n"),
        (b"GET /", b"Cookie:a\r\ncookie: b\r\n"),
        (b"GET /", b"X: cookie: a\r\n"),
        (b"GET /", b"X: cookie: a\r\nCookie: b\r\n"),
        (b"GET /", b"X: " + b"x" * 2048 + b"\r\n"),
        (b"GET http://b/", b""),
        (b"POST /", b"Content-Length: 0\r\n"),
        (b"\r\nGET /", b""),
    ],
)
def test_what_is_not_remembered(monkeypatch: pytest.MonkeyPatch, line: bytes, rest: bytes) -> None:
    whole = counted(monkeypatch)
    for _ in range(5):
        get(rest, line)
    assert len(whole) == 5
    assert not http_alike._shapes
    assert not http_alike._gapped


def test_the_longest_that_is_remembered() -> None:
    for size, more in ((0, 1), (1, 0)):
        rest = b"X: " + b"x" * (2048 - len(HOST) + len(b" HTTP/") - 7 + size) + b"\r\n"
        before = len(http_alike._shapes)
        for _ in range(2):
            get(rest)
        assert len(http_alike._shapes) == before + more


def test_neither_targets_nor_cookies_are_remembered() -> None:
    for _ in range(3):
        get(b"Cookie: secret\r\n", b"GET /secret?secret")
    ((key, shape),) = http_alike._gapped.items()
    assert "secret" not in repr((key, shape.environ))


def test_the_number_of_headers_is_limited_for_those_that_are_recalled_too() -> None:
    head = b"GET / HTTP/1.0\r\n" + b"X: 1\r\n" * 3 + b"\r\n"
    for _ in range(3):
        http.parse_head(head, len(head), 3)
    assert isinstance(http.recall_head(head, 3), Head)
    with pytest.raises(HeadError) as caught:
        http.parse_head(head, len(head), 2)
    assert caught.value.status.startswith("431 ")


@pytest.mark.parametrize("rest", [b"", b"Connection: close\r\n"])
def test_whether_the_connection_stays_is_remembered(rest: bytes) -> None:
    for _ in range(2):
        found = get(rest, b"GET /")
    (shape,) = http_alike._shapes.values()
    assert shape.keep == found.keep_alive == (not rest)


def test_what_is_remembered_is_bounded() -> None:
    shapes = set()
    for number in range(3000):
        for _ in range(1 + number % 2):
            get(b"X: %d\r\n" % number + b"Cookie: a\r\n" * (number % 4 == 1))
        shapes.add(len(http_alike._shapes) + len(http_alike._gapped))
    assert max(shapes) == 512
    assert len(http_alike._strangers) == 1024
    assert 600 < len(set(http_alike._strangers)) <= 1024  # every place is used


def test_what_is_recalled_is_one_whole_head_and_no_more() -> None:
    head = b"GET /" + HOST + b"Cookie: %d\r\n\r\n"
    for number in range(2):
        assert isinstance(http.recall_head(head % number), bytes)
        http.parse_head(head % number, len(head % number))
    assert isinstance(http.recall_head(head % 2), Head)
    whole = head % 3
    for more in (whole + b"x", whole + whole, b"\r\n" + whole, whole[:-1], whole[:-2], whole[:9]):
        assert isinstance(http.recall_head(more), bytes)
    # What came with more behind it is learnt as the head that it is.
    assert http.parse_head(whole + whole, len(whole)).environ["HTTP_COOKIE"] == "3"
