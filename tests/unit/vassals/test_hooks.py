"""Hooks that misbehave."""

from pathlib import Path

import pytest

from refuwsgi.vassals import hooks
from refuwsgi.vassals.scan import Found


def test_a_hook_that_does_not_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 0.1)
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexec sleep 60\n")
    hook.chmod(0o755)
    hooks.run("stop", str(hook), Found("a.ini", 0, str(tmp_path)))
    assert "[emperor] a.ini stop-hook has not ended within 0 seconds" in capfd.readouterr().err


def test_a_hook_that_is_not_there_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hooks.run("start", str(tmp_path / "no"), Found("a.ini", 0, str(tmp_path)))
    lines = capfd.readouterr().err.splitlines()
    assert lines[-2:] == [
        f"[emperor] {tmp_path}/no: No such file or directory",
        "[emperor] a.ini start-hook returned 1",
    ]


def test_without_a_hook_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    hooks.run("start", None, Found("a.ini", 0))
    assert capfd.readouterr().err == ""
