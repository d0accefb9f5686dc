"""Which file a request is for, and whether it may have it."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refuwsgi.offloading.static_paths import Mount, Places, Remembered, Root
from tests.unit.offloading.stand import descriptors

SECRET = b"secret"


@pytest.fixture
def www(tmp_path: Path, lines: list[str]) -> Iterator[Path]:
    """A site, with what must not be seen around it; nothing may stay open."""
    www = tmp_path / "www"
    (www / "sub").mkdir(parents=True)
    (www / "a.txt").write_text("hello")
    (www / "sub/b.txt").write_text("below")
    (www / "sub/index.html").write_text("index")
    sibling = tmp_path / "www-private"
    sibling.mkdir()
    for hidden in (tmp_path / "secret.txt", sibling / "secret.txt"):
        hidden.write_bytes(SECRET)
    (www / "inside").symlink_to(www / "a.txt")
    (www / "outside").symlink_to(tmp_path / "secret.txt")
    (www / "beside").symlink_to(sibling)
    (www / "nowhere").symlink_to(tmp_path / "nowhere")
    (www / "loop").symlink_to("loop")
    os.mkfifo(www / "fifo")
    before = descriptors()
    yield www
    assert descriptors() == before


def content(places: Places | Remembered, path: bytes, docroot: str | None = None) -> bytes | None:
    found = places.find(path, docroot)
    if found is None:
        return None
    try:
        return os.pread(found.fd, 100, 0)
    finally:
        found.close()


def test_a_path_names_a_file_below_the_root(www: Path) -> None:
    places = Places((Root(str(www)),))
    assert content(places, b"/a.txt") == b"hello"
    assert content(places, b"/sub/b.txt") == b"below"
    assert content(places, b"/inside") == b"hello"
    assert content(places, b"/sub/../a.txt") == b"hello"
    assert content(places, b"/sub//./b.txt") == b"below"


ESCAPES = [
    b"/../secret.txt",
    b"/sub/../../secret.txt",
    b"/../www-private/secret.txt",
    b"../secret.txt",
    b"../www-private/secret.txt",
    b"/outside",
    b"/beside/secret.txt",
    b"/sub/../beside/secret.txt",
    b"/./../secret.txt",
    b"//..//secret.txt",
    b"/a.txt/../../secret.txt",
    b"/../../../../../../../../etc/passwd",
    b"-private/secret.txt",
    b"/proc/self/environ",
    b"/../www/../secret.txt",
    b"/..",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_spelling_leaves_the_root(www: Path, path: bytes) -> None:
    root = Root(str(www))
    for places in (
        Places((root,)),
        Places((), (Mount(b"", root),)),
        Places((), (Mount(b"/", root),)),
        Places((), (), (Mount(b"", root),)),
        Places(docroot=True, index=(b"index.html", b"../secret.txt")),
    ):
        assert content(places, path, str(www)) in (None, b"hello", b"below", b"index")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "sub", "www", "www-private", "secret.txt", "beside"]),
        max_size=8,
    )
)
def test_no_path_at_all_leaves_the_root(www: Path, parts: list[str]) -> None:
    places = Places((Root(str(www)),))
    assert content(places, "/".join(["", *parts]).encode()) != SECRET


def test_a_refusal_is_logged_with_both_names(www: Path, lines: list[str]) -> None:
    assert content(Places((Root(str(www)),)), b"/outside") is None
    real = www.parent / "secret.txt"
    assert lines == [f"[uwsgi-fileserve] security error: {real} is not under {www} or a safe path"]


def test_a_safe_directory_may_be_linked_to(www: Path) -> None:
    safe = (Root(str(www.parent / "www-private")),)
    places = Places((Root(str(www)),), safe=safe)
    assert content(places, b"/beside/secret.txt") == SECRET
    assert content(places, b"/outside") is None


@pytest.mark.parametrize(
    "path",
    [b"/fifo", b"/nowhere", b"/loop", b"/sub", b"/sub/", b"/", b"", b"/a.txt/", b"/a.txt/x",
     b"/none", b"/a.txt\0.html", b"/" + b"x" * 300, b"/x" * 3000],
)  # fmt: skip
def test_what_is_no_file_is_not_there(www: Path, path: bytes) -> None:
    root = Root(str(www))
    assert content(Places((root,)), path) is None
    assert content(Places((), (Mount(b"", root),)), path) is None


def test_a_socket_is_not_there(www: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(www / "socket"))
        assert content(Places((Root(str(www)),)), b"/socket") is None


def test_what_may_not_be_read_is_not_there(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything, whatever the mode
    assert content(Places((Root(str(www)),)), b"/a.txt") is None


def test_the_first_root_that_has_the_file_counts(www: Path) -> None:
    places = Places((Root(str(www / "missing")), Root(str(www / "sub")), Root(str(www))))
    assert content(places, b"/b.txt") == b"below"
    assert content(places, b"/a.txt") == b"hello"


def test_a_map_takes_the_prefix_off_as_text(www: Path) -> None:
    places = Places((), (Mount(b"/images", Root(str(www))),))
    assert content(places, b"/images/a.txt") == b"hello"
    assert content(places, b"/imagesa.txt") == b"hello"
    assert content(places, b"/image/a.txt") is None


def test_a_map_may_be_repeated_and_lead_to_a_file(www: Path) -> None:
    icon = Root(str(www / "a.txt"))
    twice = [Mount(b"/s", Root(str(www / name))) for name in (".", "sub")]
    places = Places((), (Mount(b"/fav.ico", icon), *twice))
    assert content(places, b"/fav.ico") == b"hello"
    assert content(places, b"/fav.icoXX") == b"hello"
    assert content(places, b"/s/b.txt") == b"below"


def test_a_second_kind_of_map_keeps_the_prefix(www: Path) -> None:
    places = Places((), (), (Mount(b"/sub", Root(str(www))),))
    assert content(places, b"/sub/b.txt") == b"below"
    assert content(places, b"/a.txt") is None


def test_the_document_root_comes_with_the_request(www: Path) -> None:
    places = Places(docroot=True)
    assert content(places, b"/a.txt", str(www)) == b"hello"
    assert content(places, b"/a.txt", None) is None
    assert content(Places(), b"/a.txt", str(www)) is None


def test_an_index_stands_for_its_directory(www: Path) -> None:
    places = Places((Root(str(www)),), index=(b"none.html", b"index.html"))
    for path in (b"/sub", b"/sub/"):
        found = places.find(path)
        assert found is not None
        assert (found.path.rsplit(b"/")[-1], found.index) == (b"index.html", b"index.html")
        found.close()
    assert content(places, b"/") is None
    assert content(places, b"/a.txt/x") is None


def test_a_directory_that_is_made_later_counts(www: Path) -> None:
    places = Places((Root(str(www / "later")),), (Mount(b"/m", Root(str(www / "later"))),))
    assert content(places, b"/x") is None
    (www / "later").mkdir()
    (www / "later/x").write_text("late")
    assert content(places, b"/x") == b"late"
    assert content(places, b"/m/x") == b"late"


def test_a_root_that_is_a_link_may_be_changed(www: Path) -> None:
    current = www.parent / "current"
    for name in ("one", "two"):
        (www.parent / name).mkdir()
        (www.parent / name / "x").write_text(name)
    current.symlink_to("one")
    places = Places((Root(str(current)),))
    assert content(places, b"/x") == b"one"
    current.unlink()
    current.symlink_to("two")
    assert content(places, b"/x") == b"two"


def test_the_whole_file_system_may_be_a_root(www: Path) -> None:
    assert content(Places((Root("/"),)), os.fsencode(www / "a.txt")) == b"hello"


def test_a_relative_root_is_where_we_started(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(www.parent)
    places = Places((Root("www"),))
    monkeypatch.chdir("/")
    assert content(places, b"/a.txt") == b"hello"


def test_a_remembered_path_is_opened_without_a_search(www: Path) -> None:
    clock = [0.0]
    places = Places((Root(str(www / "sub")), Root(str(www))))
    remembered = Remembered(places, 10.0, lambda: clock[0])
    assert content(remembered, b"/a.txt") == b"hello"
    (www / "sub/a.txt").write_text("nearer")
    assert content(remembered, b"/a.txt") == b"hello"
    clock[0] = 11.0
    assert content(remembered, b"/a.txt") == b"nearer"
    (www / "sub/a.txt").unlink()
    assert content(remembered, b"/a.txt") == b"hello"
    assert content(remembered, b"/none") is None
