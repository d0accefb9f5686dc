"""What a head means that is not read line by line, and which heads are learnt."""

from __future__ import annotations

import pytest

from refuwsgi.protocol import http, http_alike
from refuwsgi.protocol.http import Head, HeadError


def learnt(name: bytes, most: int = http.MAX_HEADERS, line: bytes = b"GET /") -> bytes:
    """A head that was read twice already; the name keeps it apart from others."""
    head = line + b" HTTP/1.1\r\nHost: a\r\n" + name + b"\r\n\r\n"
    for _ in range(2):
        http.parse_head(head, len(head), most)
    return head


@pytest.mark.parametrize("name", [b"X: recalled", b"X: recalled\r\nCookie: a=b"])
def test_a_head_that_is_recalled_is_like_one_that_was_read(name: bytes) -> None:
    other = learnt(name).replace(b"/ ", b"/c%41?d ").replace(b"a=b", b"e=f")
    found = http.recall_head(other)
    assert isinstance(found, Head)
    assert found == http.read_head(other)
    assert list(found.environ) == list(http.read_head(other).environ)


def test_a_head_that_was_not_to_be_learnt_is_not_recalled() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: not to be learnt\r\n\r\n"
    http_alike._shapes.clear()
    for _ in range(3):
        http.read_head(head)
    assert not http_alike._shapes
    assert isinstance(http.recall_head(head), bytes)


def test_the_host_of_a_target_is_for_one_request() -> None:
    head = learnt(b"X: of a target", line=b"GET http://b/")
    assert http.parse_head(head, len(head)).environ["HTTP_HOST"] == "b"
    plain = head.replace(b"http://b", b"")
    assert http.parse_head(plain, len(plain)).environ["HTTP_HOST"] == "a"


def test_more_headers_than_allowed_are_refused_though_they_are_known() -> None:
    head = learnt(b"X: counted", 2)
    assert isinstance(http.recall_head(head, 2), Head)
    with pytest.raises(HeadError):
        http.parse_head(head, len(head), 1)
