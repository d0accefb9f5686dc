"""Static files in full: which file, which head, and what is never served."""

import email.utils
import os
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Starter,
    Subject,
    ask,
    covers,
    exchange,
    get,
    request,
)
from tests.conformance.offloading.www import FILES, is_the_apps


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


@covers("OF-52")
def test_the_date_that_was_told_is_late_enough(site: Subject) -> None:
    """Who has the file of this very second need not get it again."""
    told = get(site.port, "/a.txt").get("last-modified") or ""
    assert get(site.port, "/a.txt", ("If-Modified-Since", told)).status == 304


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
