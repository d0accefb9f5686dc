"""Static files in full: which file, which head, and what is never served."""

import email.utils
import os
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Answer,
    Starter,
    Subject,
    ask,
    covers,
    exchange,
    get,
    post,
    request,
)

FILES: dict[str, str | bytes] = {
    "www/a.txt": "hello static\n",
    "www/b c.txt": "blank",
    "www/\u00e9.txt": "accent",
    "www/noext": "n",
    "www/a.TXT": "upper",
    "www/a.php": "php",
    "www/page.html": "<p>",
    "www/sub/index.html": "index",
    "www/sub/other.txt": "other",
    "www/twin.js": "plain",
    "www/twin.js.gz": "gzipped",
    "www/ten.bin": "0123456789",
    "www/empty.txt": "",
    "second/a.txt": "second",
    "second/only.txt": "only here",
    "www-private/secret.txt": "secret",
    "outside/secret.txt": "secret",
    "safe/allowed.txt": "allowed",
    "one.ico": "icon",
    "types": "text/mine  mine\nTEXT/x-odd odd\n# text/no no\n",
}
SITE = """
http-socket = 127.0.0.1:PORT
module = case_app
"""


def links(subject: Subject) -> None:
    www = subject.directory / "www"
    (www / "inside").symlink_to(www / "a.txt")
    (www / "escape").symlink_to(subject.directory / "outside" / "secret.txt")
    (www / "sibling").symlink_to(subject.directory / "www-private" / "secret.txt")
    (www / "granted").symlink_to(subject.directory / "safe" / "allowed.txt")
    (www / "dangling").symlink_to("/nowhere/at/all")
    os.mkfifo(www / "pipe")


@pytest.fixture(scope="module", params=["", "offload-threads = 1"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    subject = start_module(
        f"""
        http-socket = 127.0.0.1:PORT
        socket = 127.0.0.1:PORT1
        check-static = DIR/www
        static-check = DIR/second
        check-static = DIR/nowhere
        static-map = /images=DIR/www/sub
        static-map = /fav.ico=DIR/one.ico
        static-map = /both=DIR/second
        static-map = /both=DIR/www
        static-map2 = /sub2=DIR/www
        static-index = nothing.html
        static-index = index.html
        static-skip-ext = .php
        static-safe = DIR/safe
        module = case_app
        {request.param}
        """,
        files={**FILES, "www/sub2/deep.txt": "deep"},
    )
    links(subject)
    return subject


def is_the_apps(answer: Answer) -> bool:
    return answer.status == 200 and answer.body == b"hello"


@covers("OF-40", "SC-3")
def test_the_whole_head(site: Subject) -> None:
    when = email.utils.formatdate(os.stat(site.path("www/a.txt")).st_mtime, usegmt=True)
    for version in ("HTTP/1.0", "HTTP/1.1"):
        answer = exchange(site.port, request("/a.txt", version=version))
        assert (
            answer.raw
            == (
                f"{version} 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
                f"Last-Modified: {when}\r\n\r\nhello static\n"
            ).encode()
        )


@covers("OF-41", "OF-42", "OF-44", "OF-45", "OF-46", "OF-47", "OF-48", "OF-49", "OF-51", "OF-55")
@covers("OF-63", "OF-64", "OF-67")
@pytest.mark.parametrize(
    ("row", "path", "body"),
    [
        ("OF-42", "/only.txt", "only here"),
        ("OF-41", "/nothing.txt", None),
        ("OF-41", "/a.txt/", None),
        ("OF-44", "/images/other.txt", "other"),
        ("OF-44", "/imagesother.txt", "other"),
        ("OF-45", "/both/only.txt", "only here"),
        ("OF-45", "/both/ten.bin", "0123456789"),
        ("OF-46", "/fav.ico", "icon"),
        ("OF-47", "/sub2/deep.txt", "deep"),
        ("OF-48", "/sub/", "index"),
        ("OF-48", "/sub", "index"),
        ("OF-51", "/a.php", None),
        ("OF-55", "/b%20c.txt", "blank"),
        ("OF-55", "/%C3%A9.txt", "accent"),
        ("OF-63", "/inside", "hello static\n"),
        ("OF-64", "/granted", "allowed"),
        ("OF-67", "/a.txt?query", "hello static\n"),
    ],
)
def test_which_file(site: Subject, row: str, path: str, body: str | None) -> None:
    """The body of the file, or the app's answer."""
    answer = get(site.port, path)
    if body is None:
        assert is_the_apps(answer), answer
    else:
        assert (answer.status, answer.body) == (200, body.encode())


@covers("OF-49")
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a.txt", "text/plain"),
        ("/page.html", "text/html"),
        ("/noext", None),
        ("/a.TXT", None),
    ],
)
def test_the_type_comes_from_the_extension(site: Subject, path: str, kind: str | None) -> None:
    assert get(site.port, path).get("content-type") == kind


@covers("OF-65", "OF-63", "OF-D5")
@pytest.mark.parametrize(
    "path",
    [
        "/../outside/secret.txt",
        "/%2e%2e/outside/secret.txt",
        "/sub/../../outside/secret.txt",
        "/..%2foutside/secret.txt",
        "/escape",
        "/images/../../outside/secret.txt",
        "/images/%2e%2e/%2e%2e/outside/secret.txt",
    ],
)
def test_nothing_outside_is_served(site: Subject, path: str) -> None:
    assert b"secret" not in get(site.port, path).raw
    assert b"secret" not in ask(site.ports["PORT1"], path).raw


@covers("OF-D5")
@pytest.mark.parametrize("path", ["/%2e%2e/www-private/secret.txt", "/sibling"])
def test_a_sibling_with_a_longer_name_is_outside(site: Subject, path: str) -> None:
    assert b"secret" not in get(site.port, path).raw


@covers("OF-63")
def test_the_log_tells_of_an_escape(site: Subject) -> None:
    get(site.port, "/escape")
    site.wait_for(r"\[uwsgi-fileserve\] security error: .*secret\.txt is not under")


@covers("OF-66")
@pytest.mark.parametrize("path", ["/pipe", "/dangling", "/sub2"])
def test_what_is_no_file_is_the_apps(site: Subject, path: str) -> None:
    assert is_the_apps(get(site.port, path))


@covers("OF-52")
@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Sat, 01 Jan 2033 00:00:00 GMT", 304),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
        ("Sunday, 06-Nov-33 08:49:37 GMT", 200),
        ("garbage", 200),
        ("", 200),
    ],
)
def test_if_modified_since(site: Subject, value: str, status: int) -> None:
    answer = get(site.port, "/a.txt", ("If-Modified-Since", value))
    assert answer.status == status
    if status == 304:
        assert answer.body == b""


@covers("OF-53")
def test_head_is_the_head_of_get(site: Subject) -> None:
    head = exchange(site.port, request("/a.txt", "HEAD"))
    assert head.raw == get(site.port, "/a.txt").raw.partition(b"hello static")[0]


@covers("OF-54")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_the_apps(site: Subject, method: str) -> None:
    assert is_the_apps(exchange(site.port, request("/a.txt", method)))


@covers("OF-56")
def test_a_range_is_ignored_unless_honoured(site: Subject) -> None:
    answer = get(site.port, "/ten.bin", ("Range", "bytes=2-4"))
    assert (answer.status, answer.body) == (200, b"0123456789")


@covers("OF-41")
def test_a_file_that_appears_is_served(site: Subject) -> None:
    assert is_the_apps(get(site.port, "/later.txt"))
    Path(site.path("www/later.txt")).write_text("later")
    assert get(site.port, "/later.txt").body == b"later"
    os.unlink(site.path("www/later.txt"))


@covers("OF-42")
def test_the_roots_are_named_at_start(site: Subject) -> None:
    site.wait_for(r"\[uwsgi-static\] added check for .*/www$")
    site.wait_for(r"\[uwsgi-static\] added check for .*/second$")


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
        ("value", "status", "span", "body"),
        [
            ("bytes=2-4", 206, "bytes 2-4/10", b"234"),
            ("bytes=7-", 206, "bytes 7-9/10", b"789"),
            ("bytes=-2", 206, "bytes 8-9/10", b"89"),
            ("bytes=5-100", 206, "bytes 5-9/10", b"56789"),
            ("bytes=0-0", 206, "bytes 0-0/10", b"0"),
            ("bytes=-100", 200, None, b"0123456789"),
            ("bytes=10-", 416, "bytes */10", b""),
            ("bytes=100-200", 416, "bytes */10", b""),
        ],
    )
    def test_one_range(
        self,
        ranging: Subject,
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
