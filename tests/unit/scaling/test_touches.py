import os
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.options import config_of
from refuwsgi.scaling import py_autoreload, touches
from refuwsgi.scaling.touches import Touched, Touches
from tests.unit.eventually import until
from tests.unit.scaling.stand import FakeMaster


def test_touching_a_file_is_noticed_once(tmp_path: Path) -> None:
    there, later = tmp_path / "there", tmp_path / "later"
    there.touch()
    touches = Touches((str(there), str(later)))
    assert touches.touched() is None
    os.utime(there, ns=(1, 1))
    assert touches.touched() == str(there)
    assert touches.touched() is None
    later.touch()
    assert touches.touched() == str(later)
    later.unlink()
    assert touches.touched() is None
    until(lambda: not later.exists())


def test_an_order_is_given_once_for_each_touch(tmp_path: Path) -> None:
    watched, later = tmp_path / "watched", tmp_path / "later"
    watched.touch()
    given: list[int] = []
    touched = Touched((str(watched), str(later)), "words", lambda master: given.append(1))
    master: Any = FakeMaster(1, 1)
    touched.look(master)
    assert given == []
    os.utime(watched, (1, 1))
    touched.look(master)
    touched.look(master)
    assert given == [1]
    later.touch()
    touched.look(master)
    assert given == [1, 1]


def test_the_missing_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "later"
    Touched((str(path),), "words", lambda master: None)
    assert f"unable to stat() {path}, events will be triggered" in capfd.readouterr().err


def test_each_kind_has_its_own() -> None:
    assert touches.configured(config_of()) == []
    config = config_of(touch_reload=["a", "b"], touch_chain_reload="c", fs_reload=".")
    assert len(touches.configured(config)) == 3


@pytest.mark.parametrize(
    ("options", "number", "master"),
    [({}, 1, 1), ({"py_auto_reload": "2"}, 2, 1), ({"py_auto_reload": "2"}, 1, 0)],
)
def test_only_the_first_worker_looks_and_only_under_a_master(
    options: dict[str, str], number: int, master: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.Thread", None)
    py_autoreload.start(config_of(**options), number, lambda: master)
