"""The first line of a request: what the four forms of a target mean, and what is none."""

from __future__ import annotations

import pytest

from refuwsgi.protocol import http, http_target
from refuwsgi.protocol.http import Head, HeadError


def get(line: bytes) -> Head:
    text = line + b"\r\nHost: a\r\n\r\n"
    return http.parse_head(text, len(text))


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/", "/"),
        ("//a//b", "//a//b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/..", "/"),
        ("/../../x", "/x"),
        ("/a/b/../../c", "/c"),
        ("/a//../b", "/a/b"),
        ("/.a/...", "/.a/..."),
        ("/%2e%2e/x", "/../x"),
        ("/a%2Fb%c3%A9", "/a/b\xc3\xa9"),
        ("/100%", "/100%"),
        ("/a%zzb%4", "/a%zzb%4"),
        ("/a%%41", "/a%A"),
        ("/a+b;c=d", "/a+b;c=d"),
        ("/\xc3\xa9", "/\xc3\xa9"),
        ("/a#b", "/a"),
        ("http://example.com/p/../q", "/q"),
        ("HTTP://example.com", "/"),
        ("http://example.com?x=1", "/"),
        ("https://example.com#x", "/"),
    ],
)
def test_a_target_becomes_a_path(path: str, seen: str) -> None:
    line = b"GET " + path.encode("latin-1") + b" HTTP/1.1"
    environ = get(line).environ
    assert environ["PATH_INFO"] == seen
    assert environ["REQUEST_URI"] == path


@pytest.mark.parametrize(
    ("target", "query"),
    [("/a?b?c", "b?c"), ("/a#b?c", "c"), ("/a?b#c", "b"), ("http://a?x=1", "x=1"), ("/a", "")],
)
def test_the_query_is_left_as_it_is(target: str, query: str) -> None:
    assert get(f"GET {target} HTTP/1.1".encode()).environ["QUERY_STRING"] == query


def test_the_authority_of_a_target_replaces_host() -> None:
    assert get(b"GET http://b:8/ HTTP/1.1").environ["HTTP_HOST"] == "b:8"
    assert get(b"GET /%20 HTTP/1.1").environ["HTTP_HOST"] == "a"


def test_special_targets_have_no_path() -> None:
    assert http_target.target_of("OPTIONS", "*") == ("*", "", "")
    assert http_target.target_of("CONNECT", "x:443") == ("", "", "x:443")
    assert get(b"OPTIONS * HTTP/1.1").environ["PATH_INFO"] == "*"
    assert get(b"CONNECT a:443 HTTP/1.1").environ["HTTP_HOST"] == "a:443"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /", "400"),
        (b"GET", "400"),
        (b"GET / FOO", "400"),
        (b"GET / XTTP/1.1", "400"),
        (b"GET / HTTP/1x1", "400"),
        (b"GET / HTTP/x.1", "400"),
        (b"GET / HTTP/1.11", "400"),
        (b"GET / <script>", "400"),
        (b"GET / HTTP/2.0", "505"),
        (b"GET / HTTP/0.9", "505"),
        (b"GET / HTTP/1.", "400"),
        (b"GET / HTTP/1.\xb2", "400"),
        (b"GET / http/1.1", "400"),
        (b"GET  / HTTP/1.1", "400"),
        (b"GET / a HTTP/1.1", "400"),
        (b"GET\t/\tHTTP/1.1", "400"),
        (b" GET / HTTP/1.1", "400"),
        (b"G(T / HTTP/1.1", "400"),
        (b"GET /\x00 HTTP/1.1", "400"),
        (b"GET /\x7f HTTP/1.1", "400"),
        (b"GET /\x1f HTTP/1.1", "400"),
        (b"GET /a%00b HTTP/1.1", "400"),
        (b"GET /a\nb HTTP/1.1", "400"),
        (b"GET /\rHTTP/1.1 HTTP/1.1", "400"),
        (b"GET * HTTP/1.1", "400"),
        (b"GET a:80 HTTP/1.1", "400"),
        (b"GET ftp://a/ HTTP/1.1", "400"),
        (b"GET http:///x HTTP/1.1", "400"),
        (b"GET http://u@h@/x HTTP/1.1", "400"),
        (b"GET http://a^b/x HTTP/1.1", "400"),
        (b"CONNECT * HTTP/1.1", "400"),
        (b"CONNECT /a HTTP/1.1", "400"),
        (b"CONNECT a/b HTTP/1.1", "400"),
    ],
)
def test_a_request_line_that_is_none_is_refused(line: bytes, status: str) -> None:
    with pytest.raises(HeadError) as caught:
        get(line)
    assert caught.value.status[:3] == status


def test_a_method_may_be_any_token() -> None:
    assert get(b"M-SEARCH / HTTP/1.1").environ["REQUEST_METHOD"] == "M-SEARCH"


def test_versions_are_those_that_are_spoken() -> None:
    assert http_target.PROTOCOLS == {"HTTP/1.1": "HTTP/1.1", "HTTP/1.0": "HTTP/1.0"}
    assert get(b"GET / HTTP/1.0").environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert get(b"GET / HTTP/1.9").environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_statuses_are_those_of_http() -> None:
    assert str(HeadError("why", http_target.TOO_LARGE)) == "why"
    assert http_target.BAD_REQUEST == "400 Bad Request"
    assert http_target.URI_TOO_LONG == "414 URI Too Long"
    assert http_target.TOO_LARGE == "431 Request Header Fields Too Large"
    assert http_target.NOT_IMPLEMENTED == "501 Not Implemented"
    assert http_target.BAD_VERSION == "505 HTTP Version Not Supported"


def test_a_name_of_a_host_has_no_odd_characters() -> None:
    allowed = {
        chr(code) for code in range(256) if http_target.only(chr(code), http_target.AUTHORITY)
    }
    odd = "!$%&'*+-._~():;=[]"
    assert {each for each in allowed if not each.isalnum()} == set(odd)
    assert len(allowed) == 62 + len(odd)


def test_a_tab_is_a_control_character_that_values_may_have() -> None:
    controls = {
        chr(code) for code in range(256) if http_target.has_any(chr(code), http_target.CONTROLS)
    }
    assert controls == {chr(code) for code in (*range(32), 127)}
    assert set(http_target.CONTROLS_BUT_TAB) == set(http_target.CONTROLS) - {9}
