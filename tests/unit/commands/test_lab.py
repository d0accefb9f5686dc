"""The peers of the lab, and its table; the experiment itself is in tests/integration."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from refuwsgi.commands import lab, lab_peers
from refuwsgi.commands.lab_clients import COLUMNS
from refuwsgi.commands.lab_setups import SETUPS, Setup, example_of
from refuwsgi.options import OptionError


@pytest.fixture
def all_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Setup]:
    """As if every peer were installed."""
    program = tmp_path / "uwsgi"
    program.write_text("#!/bin/sh\necho 2.0.31\n")
    program.chmod(0o755)
    monkeypatch.setenv("ORIGINAL_UWSGI", str(program))
    monkeypatch.setattr(lab_peers, "find_spec", lambda name: name)
    return list(lab_peers.peers())


def test_the_original_has_the_same_set_ups(all_here: list[Setup]) -> None:
    originals = [row for row in all_here if row.server == "uwsgi"]
    assert [row.what for row in originals] == [row.what for row in SETUPS]
    assert {row.name for row in originals} == {f"uwsgi:{row.name}" for row in SETUPS}
    assert lab_peers.version_of(originals[0]) == "2.0.31"
    assert example_of(originals[0]).servers == {"uwsgi": "--ini uwsgi.ini"}


def test_peers_in_python_have_no_static_files(
    all_here: list[Setup], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {row.name: row for row in all_here if row.server != "uwsgi"}
    assert list(others) == ["waitress", "gunicorn:sync", "gunicorn:gthread", "cheroot"]
    assert others["gunicorn:sync"].what == "sync"
    assert others["cheroot"].what == "1 thread"
    for row in others.values():
        assert row.lacks == ("static",)
        assert row.program == (sys.executable,)
        assert "127.0.0.1" in example_of(row).servers["uwsgi"]
    monkeypatch.setattr(metadata, "version", lambda name: f"{name} 9")
    assert lab_peers.version_of(others["waitress"]) == "waitress 9"


def test_who_is_absent_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_peers, "find_spec", lambda name: None)
    monkeypatch.delenv("ORIGINAL_UWSGI", raising=False)
    monkeypatch.setenv("PATH", "")
    assert list(lab_peers.peers()) == []


def test_several_servers_are_named_in_the_table(all_here: list[Setup]) -> None:
    rows, columns = [SETUPS[0], all_here[-1]], COLUMNS[:3]
    lines = lab.table(rows, columns, [["Y", "n", "n"], ["n", "n", "-"]])
    assert lines[1].split() == ["refuwsgi:", "http-socket", "Y", "n", "n"]
    assert lines[2].split() == ["cheroot:", "1", "thread", "n", "n", "-"]
    assert lab.table(rows[:1], columns, [["Y", "n", "n"]])[1].split()[0] == "http-socket"


def test_a_row_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="waitress: expected one of http-socket"):
        lab.chosen("waitress", {row.name: row for row in SETUPS})
