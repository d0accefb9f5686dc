"""The places to which a log can go."""

import os
import re
import socket
import time
from pathlib import Path

import pytest

from refuwsgi import log_sinks
from refuwsgi.log_sinks import DescriptorSink, FileSink
from refuwsgi.options import OptionError
from tests.unit.eventually import until


def parse(line: str, stdio: int = 2) -> tuple[str, log_sinks.Sink]:
    return log_sinks.parse(line, "x.ini:1: logger", stdio=stdio)


def test_a_file_by_its_path(tmp_path: Path) -> None:
    name, sink = parse(f"file:{tmp_path}/log")
    sink.write(b"one\n")
    assert (name, (tmp_path / "log").read_bytes()) == ("", b"one\n")
    (tmp_path / "log").rename(tmp_path / "old")
    sink.reopen()
    sink.write(b"two\n")
    assert (tmp_path / "log").read_bytes() == b"two\n"


def test_a_file_with_words(tmp_path: Path) -> None:
    """What is longer than the limit is put aside, with a line that says so."""
    line = f"errors file:logfile={tmp_path}/log,maxsize=20,backupname={tmp_path}/old"
    name, sink = parse(line)
    assert name == "errors"
    sink.write(b"x" * 19 + b"\n")
    assert not (tmp_path / "old").exists()
    sink.write(b"y\n")
    aside = (tmp_path / "old").read_text()
    assert re.fullmatch(r"x{19}\ny\n.* - logsize: 22, triggering rotation to .*old\.\.\.\n", aside)
    assert (tmp_path / "log").read_bytes() == b""


def test_a_path_may_hold_an_equals_sign(tmp_path: Path) -> None:
    parse(f"file:{tmp_path}/a=b")[1].write(b"x\n")
    assert (tmp_path / "a=b").read_bytes() == b"x\n"


def test_what_was_put_aside_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 7)
    sink = FileSink(str(tmp_path / "log"))
    for word in (b"a\n", b"b\n", b"c\n"):
        sink.write(word)
        sink.rotate()
    assert sorted(os.listdir(tmp_path)) == ["log", "log.7", "log.7.1", "log.7.2"]


def test_a_file_that_cannot_be_put_aside_goes_on(tmp_path: Path) -> None:
    sink = FileSink(str(tmp_path / "log"), most=1, backup=str(tmp_path / "no" / "old"))
    sink.write(b"one\n")
    sink.write(b"two\n")
    assert (tmp_path / "log").read_text().count("\n") == 4  # both, and two failed attempts


def test_a_file_that_cannot_be_opened_anew_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = FileSink(str(folder / "log"))
    folder.rename(tmp_path / "moved")
    sink.reopen()
    sink.write(b"one\n")
    assert (tmp_path / "moved" / "log").read_bytes() == b"one\n"


def test_a_full_disk_harms_nobody() -> None:
    FileSink("/dev/full").write(b"x\n")
    DescriptorSink(os.open("/dev/full", os.O_WRONLY)).write(b"x\n")


@pytest.mark.parametrize("kind", ["udp", "unix"])
def test_a_socket(kind: str, tmp_path: Path) -> None:
    family = socket.AF_INET if kind == "udp" else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0) if kind == "udp" else str(tmp_path / "s"))
        server.settimeout(10)
        where = server.getsockname()
        sink = parse(f"socket:127.0.0.1:{where[1]}" if kind == "udp" else f"socket:{where}")[1]
        sink.write(b"one\n")
        sink.reopen()
        sink.rotate()
        assert server.recv(100) == b"one\n"


def test_a_remote_syslog() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        parse(f"rsyslog:127.0.0.1:{server.getsockname()[1]},site,16")[1].write(b"one\n")
        assert re.fullmatch(rb"<133>\w{3} [ \d]\d [\d:]{8} site: one", server.recv(100))


def test_the_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    import syslog

    sent: list[str] = []
    monkeypatch.setattr(syslog, "syslog", sent.append)
    monkeypatch.setattr(syslog, "openlog", lambda *words: sent.append(words[0]))
    parse("syslog:site")[1].write(b"a\0b\n")
    assert sent == ["site", "ab"]


def test_a_descriptor_and_stdio() -> None:
    out, into = os.pipe()
    parse(f"fd:{into}")[1].write(b"a")
    parse("name stdio", stdio=into)[1].write(b"b")
    os.close(into)
    until(lambda: os.read(out, 10) == b"ab")
    os.close(out)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nosuch:x", "unable to find logger nosuch"),
        ("", "unable to find logger"),
        ("file:", "expected file:<path>"),
        ("file:/no/such/folder/log", "No such file"),
        ("file:logfile=/tmp/x,maxsize=many", "maxsize: expected a number"),
        ("fd:x", "expected fd:"),
        ("fd:99999", "Bad file descriptor"),
        ("socket:127.0.0.1:x", "invalid literal"),
        ("socket:/no/such", "No such file"),
        ("socket:127.0.0.1:65536", "there is no port 65536"),
        ("rsyslog:127.0.0.1:1,me,x", "invalid literal"),
    ],
)
def test_mistakes_are_refused(line: str, why: str) -> None:
    with pytest.raises(OptionError, match=re.escape(why)):
        parse(line)
