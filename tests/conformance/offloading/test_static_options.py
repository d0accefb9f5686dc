"""Options of static files: ranges, types, expiry, serve modes, gzipped twins, cached paths."""

import email.utils
import os

import pytest

from tests.conformance.harness import (
    Starter,
    Subject,
    ask,
    covers,
    exchange,
    get,
    post,
    request,
)
from tests.conformance.offloading.www import FILES, is_the_apps

SITE = """
http-socket = 127.0.0.1:PORT
module = case_app
"""


@covers("OF-43")
def test_the_document_root_of_the_request(start: Starter) -> None:
    subject = start(
        "socket = 127.0.0.1:PORT\ncheck-static-docroot = true\nmodule = case_app\n", files=FILES
    )
    root = subject.path("second")
    assert ask(subject.port, "/only.txt", DOCUMENT_ROOT=root).body == b"only here"
    assert is_the_apps(ask(subject.port, "/only.txt"))


class TestRanges:
    @covers("OF-57", "OF-58", "OF-D2")
    @pytest.mark.parametrize(
        ("row", "value", "status", "span", "body"),
        [
            ("OF-D2", "bytes=2-4", 206, "bytes 2-4/10", b"234"),
            ("OF-57", "bytes=7-", 206, "bytes 7-9/10", b"789"),
            ("OF-57", "bytes=-2", 206, "bytes 8-9/10", b"89"),
            ("OF-57", "bytes=5-100", 206, "bytes 5-9/10", b"56789"),
            ("OF-D2", "bytes=0-0", 206, "bytes 0-0/10", b"0"),
            ("OF-58", "bytes=-100", 200, None, b"0123456789"),
            ("OF-58", "bytes=10-", 416, "bytes */10", b""),
            ("OF-58", "bytes=100-200", 416, "bytes */10", b""),
        ],
    )
    def test_one_range(
        self,
        ranging: Subject,
        row: str,
        value: str,
        status: int,
        span: str | None,
        body: bytes,
    ) -> None:
        answer = get(ranging.port, "/ten.bin", ("Range", value))
        assert (answer.status, answer.get("content-range")) == (status, span)
        assert answer.body == body
        if status == 206:
            assert answer.get("content-length") == str(len(body))

    @covers("OF-57")
    def test_the_head_of_a_range(self, ranging: Subject) -> None:
        data = request("/ten.bin", "HEAD", [("Range", "bytes=2-4")])
        answer = exchange(ranging.port, data)
        assert (answer.status, answer.get("content-length"), answer.body) == (206, "3", b"")


@pytest.fixture(scope="module", params=[0, 1])
def ranging(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return start_module(
        f"""
        http-socket = 127.0.0.1:PORT
        honour-range = true
        check-static = DIR/www
        offload-threads = {request.param}
        module = case_app
        """,
        files=FILES,
    )


@covers("OF-68")
def test_a_map_without_a_directory_is_refused(start: Starter) -> None:
    ended = start.run(SITE + "static-map = /nothing\n")
    assert ended.code == 1
    assert "static" in ended.log


@covers("OF-50")
def test_a_mime_file_of_ones_own(start: Starter) -> None:
    subject = start(
        SITE + "check-static = DIR/www\nmime-file = DIR/types\n",
        files={**FILES, "www/x.mine": "m", "www/y.odd": "o"},
    )
    assert get(subject.port, "/x.mine").get("content-type") == "text/mine"
    assert get(subject.port, "/y.odd").get("content-type") == "TEXT/x-odd"
    assert get(subject.port, "/a.txt").get("content-type") == "text/plain"


@covers("OF-50")
def test_a_missing_mime_file_is_told(start: Starter) -> None:
    subject = start.launch(SITE + "check-static = DIR/www\nmime-file = DIR/nope\n", files=FILES)
    subject.wait_for("no .*nope file found")


@covers("OF-59", "OF-60")
@pytest.mark.parametrize(
    ("line", "expires"),
    [
        ("static-expires-type = text/plain=3600", True),
        ("static-expires-type = text/css=3600", False),
        ("static-expires-type-mtime = text/plain=3600", True),
        ("static-expires = .*a\\.txt$ 3600", True),
        ("static-expires-uri = ^/a\\.txt 3600", True),
        ("static-expires-path-info = ^/nothing 3600", False),
    ],
)
def test_expiry(start: Starter, line: str, expires: bool) -> None:
    subject = start(SITE + f"check-static = DIR/www\n{line}\n", files=FILES)
    answer = get(subject.port, "/a.txt")
    value = answer.get("expires")
    assert (value is not None) == expires
    if value and "mtime" in line:
        when = os.stat(subject.path("www/a.txt")).st_mtime + 3600
        assert value == email.utils.formatdate(when, usegmt=True)


@covers("OF-59")
def test_expiry_without_a_number_is_refused(start: Starter) -> None:
    ended = start.run(SITE + "static-expires-type = text/plain\n")
    assert ended.code == 1


@covers("OF-61", "OF-12")
@pytest.mark.parametrize(
    ("mode", "header"),
    [
        ("x-sendfile", "X-Sendfile"),
        ("xsendfile", "X-Sendfile"),
        ("x-accel-redirect", "X-Accel-Redirect"),
        ("nginx", "X-Accel-Redirect"),
    ],
)
def test_serve_modes(start: Starter, mode: str, header: str) -> None:
    subject = start(
        SITE + f"check-static = DIR/www\nfile-serve-mode = {mode}\noffload-threads = 1\n",
        files=FILES,
    )
    answer = get(subject.port, "/a.txt")
    assert answer.get(header) == os.path.realpath(subject.path("www/a.txt"))
    assert (answer.body, answer.get("content-length")) == (b"", None)


@covers("OF-62")
@pytest.mark.parametrize(
    ("line", "accepts", "body"),
    [
        ("static-gzip-all = true", "gzip, deflate", b"gzipped"),
        ("static-gzip-all = true", "", b"plain"),
        ("static-gzip-ext = .js", "gzip", b"gzipped"),
        ("static-gzip-ext = .css", "gzip", b"plain"),
        ("static-gzip-dir = DIR/", "gzip", b"gzipped"),
        ("static-gzip = \\.js$", "gzip", b"gzipped"),
    ],
)
def test_gzipped_twins(start: Starter, line: str, accepts: str, body: bytes) -> None:
    subject = start(SITE + f"check-static = DIR/www\n{line}\n", files=FILES)
    headers = [("Accept-Encoding", accepts)] if accepts else []
    answer = get(subject.port, "/twin.js", *headers)
    assert answer.body == body
    assert answer.get("content-encoding") == ("gzip" if body == b"gzipped" else None)
    assert "javascript" in (answer.get("content-type") or "")
    assert answer.get("content-length") == str(len(body))


@covers("OF-69")
def test_caching_paths_needs_a_cache(start: Starter) -> None:
    ended = start.run(SITE + "check-static = DIR/www\nstatic-cache-paths = 10\n", files=FILES)
    assert ended.code == 1
    assert "cach" in ended.log


@covers("OF-69")
def test_paths_may_be_cached(start: Starter) -> None:
    subject = start(
        SITE + "cache2 = name=c,items=100\ncheck-static = DIR/www\nstatic-cache-paths = 10\n",
        files=FILES,
    )
    for _ in range(2):
        assert get(subject.port, "/a.txt").body == b"hello static\n"


@covers("OF-40", "SC-183")
def test_added_headers_come_last(start: Starter) -> None:
    subject = start(SITE + "check-static = DIR/www\nadd-header = X-A: b\n", files=FILES)
    assert get(subject.port, "/a.txt").headers[-1] == ("X-A", "b")
    assert is_the_apps(post(subject.port, "/a.txt", b"x"))
