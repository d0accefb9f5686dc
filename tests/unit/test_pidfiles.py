"""Pid files and the background."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from refuwsgi import pidfiles
from refuwsgi.options import OptionError, config_of
from refuwsgi.pidfiles import remove_pidfiles, write_pidfiles
from tests.unit.eventually import until


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pidfiles, "_written", {})


def test_a_pidfile_holds_the_pid(tmp_path: Path) -> None:
    config = config_of(pidfile=str(tmp_path / "a"), pidfile2=str(tmp_path / "b"))
    write_pidfiles(config)
    assert (tmp_path / "a").read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "b").exists()
    write_pidfiles(config, late=True)
    assert (tmp_path / "b").read_text() == f"{os.getpid()}\n"


def test_a_pidfile_is_removed_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_of(safe_pidfile="a")
    write_pidfiles(config)
    monkeypatch.chdir("/")
    remove_pidfiles(config)
    remove_pidfiles(config)
    assert not (tmp_path / "a").exists()
    assert capfd.readouterr().err == "VACUUM: pidfile removed.\n"


def test_only_who_wrote_a_pidfile_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(pidfile=str(tmp_path / "a"))
    write_pidfiles(config)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    remove_pidfiles(config)
    assert (tmp_path / "a").exists()


def test_a_pidfile_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="test: pidfile: .*: No such file or directory"):
        write_pidfiles(config_of(pidfile=str(tmp_path / "no" / "a")))


CODE = """
import os, sys
from refuwsgi import log
from refuwsgi.options import config_of
from refuwsgi.pidfiles import daemonize, write_pidfiles
config = config_of(daemonize=sys.argv[1], pidfile=sys.argv[2])
daemonize(config)
write_pidfiles(config)
log.line(f"stdin {os.read(0, 1)} session {os.getsid(0) != os.getpid()}")
print("to stdout", flush=True)
import signal
signal.pause()
"""


def test_the_background_has_no_terminal_and_a_log(tmp_path: Path) -> None:
    log, pid = tmp_path / "log", tmp_path / "pid"
    got = subprocess.run(
        [sys.executable, "-c", CODE, str(log), str(pid)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (got.returncode, got.stdout, got.stderr) == (0, "", "")
    until(lambda: log.read_text().endswith("to stdout\n"))
    assert log.read_text() == "stdin b'' session True\nto stdout\n"
    assert log.stat().st_mode & 0o777 == 0o640
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_log_that_cannot_be_opened_is_told_in_the_foreground(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="test: daemonize: .*: No such file or directory"):
        pidfiles.daemonize(config_of(daemonize=str(tmp_path / "no" / "log")))
    pidfiles.daemonize(config_of())
