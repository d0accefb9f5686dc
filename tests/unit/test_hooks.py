import os
from pathlib import Path

import pytest

from refuwsgi import hooks
from refuwsgi.options import OptionError, config_of


def test_commands_and_hooks_of_a_moment_happen(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    config = config_of(exec_asap=f"echo a b > {one}", hook_asap=f"write:{two} some words")
    hooks.check(config)
    hooks.run(config, "asap")
    assert one.read_text() == "a b\n"
    assert two.read_text() == "some words\n"
    hooks.run(config, "pre-app", "in-jail", "as-root")


def test_a_command_that_fails_ends_the_start(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OptionError, match=r'exec-pre-app: command "exit 3" failed with status 3'):
        hooks.run(config_of(exec_pre_app="exit 3"), "pre-app")
    assert 'running "exit 3" (pre-app)...' in capfd.readouterr().err


def test_a_safe_one_may_fail(capfd: pytest.CaptureFixture[str]) -> None:
    hooks.run(config_of(hook_post_app="safeexec:exit 3"), "post-app")
    assert "failed with status 3" in capfd.readouterr().err


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file"
    path.touch()
    hooks.run(config_of(hook_as_user=[f"unlink:{path}", "cd:/"]), "as-user")
    assert not path.exists()
    assert os.getcwd() == "/"
    with pytest.raises(OptionError, match="hook-as-user"):
        hooks.run(config_of(hook_as_user=f"unlink:{path}"), "as-user")


def test_a_fifo(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    config = config_of(hook_asap=f"writefifo:{path} c")
    with pytest.raises(OptionError):
        hooks.run(config, "asap")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    hooks.run(config, "asap")
    assert os.read(reader, 9) == b"c"
    os.close(reader)


def test_print_and_exit(capfd: pytest.CaptureFixture[str]) -> None:
    hooks.run(config_of(hook_asap="print:hello: you"), "asap")
    assert "hello: you\n" in capfd.readouterr().err
    with pytest.raises(SystemExit) as ended:
        hooks.run(config_of(hook_asap="exit:4"), "asap")
    assert ended.value.code == 4


@pytest.mark.parametrize("name", ["hook_asap", "hook_accepting", "hook_as_user_atexit"])
def test_unknown_kinds_are_refused_at_the_start(name: str) -> None:
    with pytest.raises(OptionError, match="the kinds are cd, exec"):
        hooks.check(config_of(**{name: "mount:proc none /proc"}))
