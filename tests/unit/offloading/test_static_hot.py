"""Small files in memory."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.offloading import static_hot
from refuwsgi.offloading.engines import SMALL
from refuwsgi.offloading.static_hot import MOST, InMemory
from refuwsgi.offloading.static_paths import Found, Places, Root
from tests.unit.offloading.stand import CHANGED, descriptors, make


class Watched:
    """Places that count how often they are asked."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.asked = 0

    def find(self, path_info: bytes, document_root: str | None = None) -> Found | None:
        self.asked += 1
        return self._places.find(path_info, document_root)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files have changed long ago: their inodes are as young as the test."""
    monkeypatch.setattr(static_hot, "SETTLED", float("-inf"))


@pytest.fixture
def site(tmp_path: Path, lines: list[str]) -> Iterator[Path]:
    make(tmp_path / "a", b"hello")
    before = descriptors()
    yield tmp_path
    assert descriptors() == before


def memory_of(*roots: Path, docroot: bool = False) -> tuple[InMemory, Watched, list[float]]:
    clock = [0.0]
    watched = Watched(Places(tuple(Root(str(root)) for root in roots), docroot=docroot))
    return InMemory(watched, lambda: clock[0]), watched, clock


def content(memory: InMemory, path: bytes = b"/a", docroot: str | None = None) -> bytes | None:
    found = memory.find(path, docroot)
    if found is None:
        return None
    if found.content is not None:
        kept = found.content
        found.close()
        return kept
    kept = os.pread(found.fd, 1 << 20, 0)
    found.close()
    return kept


def test_the_second_time_nothing_is_opened(site: Path) -> None:
    memory, watched, _ = memory_of(site)
    for _ in range(5):
        assert content(memory) == b"hello"
    assert watched.asked == 1
    found = memory.find(b"/a")
    assert found is not None
    assert (found.fd, found.size, found.path) == (-1, 5, os.fsencode(site / "a"))


@pytest.mark.parametrize("way", ["write", "replace", "touch", "rename", "link"])
def test_a_change_is_seen_at_once(site: Path, way: str) -> None:
    memory, watched, _ = memory_of(site)
    content(memory)
    if way == "write":
        make(site / "a", b"other")
        os.utime(site / "a", (CHANGED, CHANGED + 1))
    elif way == "replace":
        make(site / "b", b"other")
        (site / "b").replace(site / "a")
    elif way == "touch":
        os.utime(site / "a", (1, 1))
    elif way == "rename":
        (site / "a").rename(site / "b")
    else:
        make(site / "b", b"other")
        (site / "a").unlink()
        (site / "a").symlink_to("b")
    expected = {"touch": b"hello", "rename": None}.get(way, b"other")
    assert content(memory) == expected
    assert watched.asked == 2


def test_a_link_that_leads_outside_is_seen_at_once(site: Path) -> None:
    (site / "www").mkdir()
    make(site / "www/a", b"hello")
    memory, _, _ = memory_of(site / "www")
    assert content(memory) == b"hello"
    (site / "www/a").unlink()
    (site / "www/a").symlink_to(site / "a")
    assert content(memory) is None


def test_once_a_second_it_is_opened_all_the_same(site: Path) -> None:
    memory, watched, clock = memory_of(site)
    content(memory)
    clock[0] = 1.0
    assert content(memory) == b"hello"
    assert watched.asked == 2


def test_a_file_that_has_just_changed_is_not_kept(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_hot, "SETTLED", float("inf"))
    memory, watched, _ = memory_of(site)
    for _ in range(2):
        assert content(memory) == b"hello"
    assert watched.asked == 2


def test_large_files_and_second_places_are_not_kept(site: Path) -> None:
    make(site / "large", b"x" * (SMALL + 1))
    memory, watched, _ = memory_of(site)
    assert content(memory, b"/large") == content(memory, b"/large")
    (site / "other").mkdir()
    memory, second, _ = memory_of(site / "other", site)
    assert content(memory) == content(memory) == b"hello"
    memory, third, _ = memory_of(docroot=True)
    assert content(memory, docroot=str(site)) == content(memory, docroot=str(site)) == b"hello"
    assert (watched.asked, second.asked, third.asked) == (2, 2, 2)


def test_memory_has_an_end(site: Path) -> None:
    memory, watched, _ = memory_of(site)
    for number in range(MOST + 1):
        make(site / str(number), b"x")
        content(memory, b"/%d" % number)
    asked = watched.asked
    content(memory, b"/%d" % MOST)
    assert watched.asked == asked
    content(memory, b"/0")
    assert watched.asked == asked + 1
