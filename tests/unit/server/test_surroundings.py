import contextlib
import os
from pathlib import Path

import pytest

from refuwsgi import log, log_pipe
from refuwsgi.options import OptionError, Setting, build, config_of
from refuwsgi.server import surroundings
from refuwsgi.server.surroundings import CHDIR, CHDIR2, UMASK, Log


def test_only_the_directory_that_is_asked_for_is_gone_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir("/")
    config = config_of(chdir2=str(tmp_path))
    surroundings.go(config, CHDIR)
    assert os.getcwd() == "/"
    assert capfd.readouterr().err == ""
    surroundings.go(config, CHDIR2)
    assert os.getcwd() == str(tmp_path)
    assert f"chdir() to {tmp_path}\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "problem"), [("no", "No such file or directory"), ("file", "Not a directory")]
)
def test_what_is_no_directory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "file").touch()
    path = str(tmp_path / name)
    config = build([Setting("chdir", path, "x.ini:3")], [CHDIR])
    with pytest.raises(OptionError) as refused:
        surroundings.go(config, CHDIR)
    assert str(refused.value) == f"x.ini:3: chdir: {problem}: {path!r}"
    assert os.getcwd() == "/"


def test_the_mask_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0o22)
    try:
        surroundings.set_umask(config_of())
        (tmp_path / "one").touch()
        surroundings.set_umask(config_of(umask="077"))
        (tmp_path / "two").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "two").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["8", "rw", ""])
def test_a_mask_that_is_none_is_refused(value: str) -> None:
    before = os.umask(0o22)
    os.umask(before)
    config = build([Setting("umask", value, "x.ini:3")], [UMASK])
    with pytest.raises(OptionError, match=r"^x\.ini:3: umask: expected an octal number"):
        surroundings.set_umask(config)
    assert os.umask(before) == before


def in_a_child(use: Log, ends: tuple[int, int]) -> int:
    """Log into a full pipe, empty it, and log again; the exit status."""
    child = os.fork()
    if not child:
        status = 1
        try:
            os.dup2(ends[1], log.STDERR)
            use.start()
            log.line("lost")
            emptied(ends[0])
            log.line("hello")
            status = int(use.finish() != [])
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def emptied(end: int) -> list[bytes]:
    os.set_blocking(end, False)
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(os.read(end, log_pipe.PACKET))
    return found


@pytest.mark.parametrize("on_trial", [False, True])
def test_what_a_full_log_loses_is_counted(on_trial: bool) -> None:
    """Such a pipe comes from an emperor's log-master; a trial does not start its own either."""
    ends = log_pipe.pipe()
    options = {"log_master": True} if on_trial else {}
    use = Log(config_of(**options), on_trial=on_trial)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(ends[1], b"before\n")
    assert in_a_child(use, ends) == 0
    told, hello = b"".join(emptied(ends[0])).splitlines()
    assert told.startswith(b"*** 1 messages to the log were lost by process ")
    assert hello == b"hello"
    for end in ends:
        os.close(end)
