"""The monitors of directories and patterns, and which address means which."""

import os
from pathlib import Path

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals.monitors.choose import monitor_for
from refuwsgi.vassals.monitors.directory import Directory
from refuwsgi.vassals.monitors.glob import Glob
from refuwsgi.vassals.monitors.monitor import Monitor, Wishes, wishes


def names(monitor: Monitor) -> list[str]:
    return sorted(found.name for found in monitor.look() or ())


@pytest.fixture
def vassals(tmp_path: Path) -> Path:
    folder = tmp_path / "vassals"
    folder.mkdir()
    for name in ("a.ini", "b.yaml", "c.conf", ".d.ini", "e.INI", f"{'x' * 251}.ini"):
        (folder / name).touch()
    (folder / "folder.ini").mkdir()
    (folder / "nowhere.ini").symlink_to("missing")
    (folder / "link.ini").symlink_to("c.conf")
    return folder


def test_a_directory_names_its_config_files(vassals: Path) -> None:
    monitor = Directory(str(vassals), Wishes())
    assert names(monitor) == [".d.ini", "a.ini", "b.yaml", "link.ini"]
    found = next(each for each in monitor.look() or () if each.name == "a.ini")
    assert (found.folder, found.path) == (str(vassals), str(vassals / "a.ini"))
    assert found.modified == os.stat(vassals / "a.ini").st_mtime_ns


def test_a_second_look_sees_what_changed(vassals: Path) -> None:
    monitor = Directory(str(vassals), Wishes())
    first = {each.name: each for each in monitor.look() or ()}
    os.utime(vassals / "a.ini", ns=(0, first["a.ini"].modified + 1))
    (vassals / "b.yaml").unlink()
    second = {each.name: each for each in monitor.look() or ()}
    assert second["a.ini"].modified == first["a.ini"].modified + 1
    assert second["link.ini"] is first["link.ini"]
    assert "b.yaml" not in second


def test_links_that_are_not_followed_count_as_they_are(vassals: Path) -> None:
    monitor = Directory(str(vassals), Wishes(follow=False))
    assert "nowhere.ini" in names(monitor)


def test_more_endings(vassals: Path) -> None:
    more = wishes(config_of(emperor_extra_extension=".conf", emperor_nofollow=True), "/start")
    assert (more.follow, more.start) == (False, "/start")
    assert "c.conf" in names(Directory(str(vassals), more))


def test_a_directory_that_went_away_tells_nothing(
    vassals: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monitor = Directory(str(vassals / "none"), Wishes())
    assert monitor.look() is None
    assert monitor.look() is None
    said = capfd.readouterr().err
    assert said == f"[emperor] {vassals}/none: No such file or directory\n"


def test_a_pattern_names_what_matches(vassals: Path) -> None:
    start = str(vassals.parent)
    assert names(Glob("vassals/*.ini", Wishes(start=start))) == [
        "vassals/a.ini",
        "vassals/link.ini",
    ]
    found = Glob(f"{vassals}/a.ini", Wishes(start="/")).look()[0]
    assert (found.name, found.path, found.folder) == (f"{vassals}/a.ini",) * 2 + ("/",)
    assert names(Glob(f"{vassals}/none.ini", Wishes())) == []
    (vassals / "b[1].ini").touch()
    assert names(Glob(f"{vassals}/b[1].ini", Wishes())) == [f"{vassals}/b[1].ini"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("vassals", Directory),
        ("dir://vassals", Directory),
        ("later", Directory),
        ("vassals/*.ini", Glob),
        ("vassals/a.ini", Glob),
        ("vassals/later.ini", Glob),
        ("glob://vassals", Glob),
    ],
)
def test_an_address_means_a_monitor(vassals: Path, address: str, kind: type) -> None:
    monitor = monitor_for(address, Wishes(start=str(vassals.parent)))
    assert type(monitor) is kind
    assert monitor.descriptors() == []
    monitor.close()


@pytest.mark.parametrize("address", ["dir://none", "ftp://x"])
def test_an_address_that_makes_no_sense(tmp_path: Path, address: str) -> None:
    with pytest.raises(OptionError, match=f"--emperor {address}: "):
        monitor_for(address, Wishes(start=str(tmp_path)))
