import os
import sys
import threading
import types
from pathlib import Path

import pytest

from refuwsgi.options import config_of
from refuwsgi.scaling import py_autoreload
from refuwsgi.scaling.py_autoreload import Watched


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module that counts as loaded."""
    path = tmp_path / "watched_part.py"
    path.write_text("")
    made = types.ModuleType("watched_part")
    made.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "watched_part", made)
    return path


def older(path: Path) -> None:
    """Change the time of a file; that it is another counts, not that it is later."""
    before = path.stat().st_mtime_ns
    os.utime(path, ns=(before, before - 10**9))


def test_a_change_is_told_once(module: Path) -> None:
    watched = Watched(())
    assert watched.changed() == []
    assert watched.changed() == []
    older(module)
    assert watched.changed() == [str(module)]
    assert watched.changed() == []


def test_a_module_that_comes_later_has_not_changed(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sys.modules["watched_part"]
    monkeypatch.delitem(sys.modules, "watched_part")
    watched = Watched(())
    watched.changed()
    monkeypatch.setitem(sys.modules, "watched_part", made)
    assert watched.changed() == []
    older(module)
    assert watched.changed() == [str(module)]


def test_a_file_that_is_away_for_a_moment_is_still_known(module: Path) -> None:
    watched = Watched(())
    watched.changed()
    before = module.stat()
    module.unlink()
    assert watched.changed() == []
    module.write_text("")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.changed() == []
    older(module)
    assert watched.changed() == [str(module)]


def test_a_module_may_be_left_out(module: Path) -> None:
    watched = Watched(("watched_part",))
    watched.changed()
    older(module)
    assert watched.changed() == []


@pytest.mark.parametrize(("every", "number", "master"), [("0", 1, 1), ("1", 2, 1), ("1", 1, 0)])
def test_only_the_first_worker_of_a_master_looks(every: str, number: int, master: int) -> None:
    before = threading.enumerate()
    py_autoreload.start(config_of(py_auto_reload=every), number, lambda: master)
    assert threading.enumerate() == before
