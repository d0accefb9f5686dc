import os
from pathlib import Path

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals.scan import Found
from refuwsgi.vassals.tyrant import Tyrant, configured


@pytest.mark.parametrize(("uid", "gid"), [(0, 5), (5, 0), (-1, 5), (5, -1), (0, 0)])
def test_a_config_of_roots_is_refused(uid: int, gid: int) -> None:
    refusal = Tyrant(False).refusal(Found("a.ini", 0, uid=uid, gid=gid))
    assert refusal == "[emperor-tyrant] invalid permissions for vassal a.ini"


def test_an_owner_is_let_in() -> None:
    assert Tyrant(False).refusal(Found("a.ini", 0, uid=5, gid=5)) is None


def test_the_owner_is_that_of_the_file_or_of_the_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "a.ini"
    file.touch()
    link.symlink_to(file)
    for nofollow in (False, True):
        owned = Tyrant(nofollow).owned(Found("a.ini", 0, path=str(link)))
        assert (owned.uid, owned.gid) == (os.getuid(), os.getgid())
    file.unlink()
    assert Tyrant(False).owned(Found("a.ini", 0, path=str(link), uid=5, gid=5)).uid == 0


def test_a_config_from_a_database_has_the_owner_that_it_names() -> None:
    found = Found("a.ini", 0, config=b"", uid=5, gid=6)
    assert Tyrant(False).owned(found) is found


@pytest.mark.parametrize(("owner", "refused"), [(0, False), (5, False), (6, True)])
def test_a_link_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, refused: bool
) -> None:
    link = tmp_path / "a.ini"
    link.symlink_to("file")
    real = os.lstat(link)
    faked = os.stat_result((*real[:4], owner, *real[5:]))
    monkeypatch.setattr(os, "lstat", lambda path: faked)
    refusal = Tyrant(False).refusal(Found("a.ini", 0, path=str(link), uid=5, gid=5))
    assert (refusal == "[emperor-tyrant] a.ini is a link of another user") == refused


def test_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(config_of()) is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert configured(config_of(emperor_tyrant=True)) is not None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OptionError, match="emperor-tyrant: expected to be run as root"):
        configured(config_of(emperor_tyrant=True))
