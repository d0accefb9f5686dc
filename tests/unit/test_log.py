"""The log: lines, dates, files."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import log
from refuwsgi.options import OptionError, catalogue, config_of


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Give descriptors and settings back as they were."""
    monkeypatch.setattr(log, "_state", log._State())
    monkeypatch.setattr(log, "requests", log.Requests())
    kept = [(number, os.dup(number)) for number in (1, 2)]
    yield
    for number, copy in kept:
        os.dup2(copy, number)
        os.close(copy)


def test_a_line_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(log.requests, "write", lambda fd, data: written.append((fd, data)))
    log.line("hello")
    log.request_line("GET /")
    assert written == [(2, b"hello\n"), (2, b"GET /\n")]


def test_a_line_stays_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    log.line("a\nb\rc\x1b[31m\td\u00e9\u2028\udc80")
    shown = capfd.readouterr().err
    assert shown == "a\\nb\\rc\\x1b[31m\td\u00e9\\u2028\\udc80\n"


def test_a_log_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.requests, "write", full)
    log.line("lost")


@pytest.mark.parametrize("value", ["true", "1", "YES", ""])
def test_log_date_is_that_of_uwsgi(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up(config_of(log_date=value))
    log.line("hello")
    date, dash, rest = capfd.readouterr().err.partition(" - ")
    time.strptime(date, "%a %b %d %H:%M:%S %Y")
    assert (len(date), dash, rest) == (24, " - ", "hello\n")
    log.request_line("GET /")
    assert capfd.readouterr().err == "GET /\n"


def test_log_date_takes_a_format(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up(config_of(logdate="day %j"))
    log.line("hello")
    shown = capfd.readouterr().err
    assert shown.startswith("day ")
    assert shown.endswith(" - hello\n")


def test_log_date_can_be_off(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up(config_of(log_date="false"))
    log.line("hello")
    log.dated("dated")
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "hello"
    assert lines[1].endswith(" - dated")


def test_an_exception_comes_with_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("oops")
    except RuntimeError:
        log.exception("it failed")
    shown = capfd.readouterr().err.splitlines()
    assert shown[0] == "it failed"
    assert shown[1] == "Traceback (most recent call last):"
    assert shown[-1] == "RuntimeError: oops"


def test_logto_is_a_file_for_its_group_to_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    before = os.umask(0o022)
    try:
        log.set_up(config_of(logto=str(path)))
    finally:
        os.umask(before)
    log.line("one")
    os.write(1, b"two\n")
    assert path.read_text() == "one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_logto2_comes_later(tmp_path: Path) -> None:
    config = config_of(logto2=str(tmp_path / "log"))
    log.set_up(config)
    assert not (tmp_path / "log").exists()
    log.set_up_late(config)
    log.line("one")
    assert (tmp_path / "log").read_text() == "one\n"


@pytest.mark.parametrize(("truncate", "content"), [("true", "new\n"), ("false", "old\nnew\n")])
def test_a_log_is_continued_unless_it_is_truncated(
    truncate: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    log.set_up(config_of(logto=str(path), log_truncate=truncate))
    log.line("new")
    assert path.read_text() == content


def test_a_log_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="test: logto: .*/no/log: No such file or directory"):
        log.set_up(config_of(logto=str(tmp_path / "no" / "log")))
    with pytest.raises(OptionError, match="test: logto: 127.0.0.1:65536: .*port must be"):
        log.set_up(config_of(logto="127.0.0.1:65536"))


def test_a_log_can_be_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log.to("log")
    log.line("one")
    (tmp_path / "log").rename(tmp_path / "old")
    log.line("two")
    monkeypatch.chdir("/")
    log.reopen()
    log.line("three")
    assert (tmp_path / "old").read_text() == "one\ntwo\n"
    assert (tmp_path / "log").read_text() == "three\n"


def test_without_a_file_nothing_is_opened_anew(capfd: pytest.CaptureFixture[str]) -> None:
    log.reopen()
    log.line("still here")
    assert capfd.readouterr().err == "still here\n"


def test_a_log_that_cannot_be_opened_anew_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    log.to(str(folder / "log"))
    (folder / "log").rename(tmp_path / "old")
    folder.rmdir()
    log.reopen()
    assert "unable to reopen the log" in (tmp_path / "old").read_text()


def test_a_log_can_go_to_another_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        log.to(f"127.0.0.1:{server.getsockname()[1]}")
        log.line("hello")
        assert server.recv(100) == b"hello\n"


def test_loggers_part_requests_from_the_rest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    requests, rest = tmp_path / "requests", tmp_path / "rest"
    log.set_up(config_of(req_logger=f"file:{requests}", logger=f"file:{rest}"))
    log.line("one")
    log.request_line("GET /")
    assert (requests.read_text(), rest.read_text()) == ("GET /\n", "one\n")
    requests.rename(tmp_path / "old")
    log.reopen()
    log.request_line("GET /2")
    assert requests.read_text() == "GET /2\n"
    log.set_up(config_of(req_logger="stdio", logger="stdio"))
    log.request_line("GET /3")
    assert rest.read_text().endswith("GET /3\n")  # where descriptor 2 goes now


@pytest.mark.parametrize(
    ("values", "delegated"),
    [
        ({}, False),
        ({"logger": "stdio"}, False),
        ({"logger": "file:/tmp/x", "req_logger": "file:y"}, False),
        ({"log_master": True}, True),
        ({"logger": "file:"}, True),
        ({"logger": "main file:/tmp/x"}, True),
        ({"logger": "file:logfile=/tmp/x"}, True),
        ({"req_logger": "syslog:me"}, True),
        ({"logger": ["stdio", "file:/tmp/x"]}, True),
        ({"log_encoder": "nl"}, True),
        ({"log_maxsize": "5"}, True),
    ],
)
def test_what_needs_a_process_of_its_own(values: dict[str, Any], delegated: bool) -> None:
    catalogue()  # so that what implies log-master is known
    assert log.delegated(config_of(**values)) is delegated


def test_a_log_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log.rotate()  # not in a file: nothing to do
    log.to(str(path))
    log.line("old")
    log.rotate()
    log.line("new")
    (aside,) = tmp_path.glob("log.*")
    assert (aside.read_text(), path.read_text()) == ("old\n", "new\n")


def test_what_cannot_be_put_aside_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log.to(str(path))
    path.unlink()
    log.rotate()
    assert "unable to put the log" not in path.read_text()  # that went into the lost file
    log.line("new")
    assert path.read_text() == "new\n"


def test_several_lines_are_one_write(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_up(config_of(log_date="now"))
    log.lines(["one", "two"])
    log.lines(["three", "forged\nline"])
    expected = ["now - one", "now - two", "now - three", r"now - forged\nline"]
    assert capfd.readouterr().err.splitlines() == expected
