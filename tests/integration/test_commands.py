"""The commands at work: whole processes, real servers, a tap between them."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.commands import example, lab, lab_setups, top, trace
from refuwsgi.commands.lab_peers import version_of
from refuwsgi.options import OptionError
from tests.conformance.harness import Starter, alive, eventually, free_port

LIMIT = 60.0
APP = "def application(e, s):\n    s('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"


class Command:
    """A command that runs, and what it has printed."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "refuwsgi", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.text = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read until something is printed."""
        end = time.monotonic() + LIMIT
        assert self.process.stdout is not None
        while not (found := re.search(pattern, self.text, re.M)):
            assert time.monotonic() < end, self.text
            if select.select([self.process.stdout], [], [], 1)[0]:
                part = os.read(self.process.stdout.fileno(), 65536)
                assert part, f"it ended without {pattern!r}: {self.text}"
                self.text += part.decode()
        return found

    def end(self, *, interrupt: bool = False) -> int:
        """Wait for the end; the status."""
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=LIMIT)
        self.text += rest.decode()
        return self.process.returncode


@contextlib.contextmanager
def command(*words: str) -> Iterator[Command]:
    """Run a command, and leave nothing of it behind."""
    running = Command(*words)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        if running.process.stdout is not None:
            running.process.stdout.close()


def ask(*words: str) -> str:
    """Ask with the command; what it prints."""
    with command("ask", *words) as running:
        running.end()
        return running.text


def site(start: Starter) -> tuple[int, int, int]:
    """A server with a port for uwsgi, one for HTTP and one for its stats."""
    subject = start(
        "master = true\nsocket = 127.0.0.1:PORT\nhttp-socket = 127.0.0.1:PORT1\n"
        "stats = 127.0.0.1:PORT2\nmodule = small\n",
        files={"small.py": APP},
        until=r"^spawned uWSGI worker 1 ",
    )
    return subject.port, subject.ports["PORT1"], subject.ports["PORT2"]


def test_top_watches_until_it_is_interrupted(start: Starter) -> None:
    uwsgi, _, stats = site(start)
    with command("top", f"127.0.0.1:{stats}", "--every", "0.05", "--json") as running:
        running.until("^{.*}$")
        assert ask(f"127.0.0.1:{uwsgi}", "/").endswith("\r\n\r\nok")
        running.until(r'"requests": 1\b')
        assert running.end(interrupt=True) == 0
    assert json.loads(running.text.splitlines()[0])["workers"][0]["status"] == "idle"


def test_top_draws_again_and_again(start: Starter) -> None:
    stats = site(start)[2]
    with command("top", f"127.0.0.1:{stats}", "--every", "0.05") as running:
        running.until(r"\x1b\[H\x1b\[J(.|\n)*\x1b\[H\x1b\[J(.|\n)*workers")
        assert running.end(interrupt=True) == 0


def test_top_shows_the_fields_of_the_server(
    start: Starter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert top.main([f"127.0.0.1:{site(start)[2]}", "--once"]) == 0
    assert "requests" in capsys.readouterr().out


def test_a_tap_says_what_passes_and_draws_it(start: Starter, tmp_path: Path) -> None:
    uwsgi = site(start)[0]
    words = ["--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{uwsgi}", "--count", "2"]
    with command("trace", *words, "--svg", str(tmp_path / "a.svg"), "--names", "web,app") as tap:
        address = tap.until(r"^listening on (\S+), ")[1]
        assert ask(address, "/a", "--size", "200000").endswith("ok")
        assert ask(address, "/b").endswith("ok")
        assert tap.end() == 0
    for line in (
        r"#1 web -> app  uwsgi packet, .*: POST /a for localhost, with a body of 200000 bytes$",
        r"#1 app -> web  HTTP/1.1 200 OK, 1 headers, with a body of 2 bytes$",
        r"#1 app -> web  ends after \d+ bytes$",
        r"#2 web -> app  uwsgi packet, .*: GET /b for localhost$",
    ):
        assert re.search(line, tap.text, re.M), tap.text
    assert "GET /b for localhost" in (tmp_path / "a.svg").read_text()


def test_a_tap_for_http_on_a_unix_socket_ends_when_interrupted(
    start: Starter, tmp_path: Path
) -> None:
    http = site(start)[1]
    path = tmp_path / "tap.sock"
    words = ["--listen", str(path), "--to", f"127.0.0.1:{http}", "--protocol", "http"]
    with command("trace", *words) as tap:
        tap.until("^listening on ")
        ask(str(path))  # what is no HTTP goes on, too, and the answer comes back
        tap.until("node -> client")
        assert tap.end(interrupt=True) == 0
    assert not path.exists()


def test_a_tap_says_when_the_other_party_is_not_there(tmp_path: Path) -> None:
    words = ["--listen", "127.0.0.1:0", "--to", str(tmp_path / "nobody"), "--count", "1"]
    with command("trace", *words) as tap:
        address = tap.until(r"^listening on (\S+), ")[1]
        ask(address)
        assert tap.end() == 0
    assert "cannot be reached: No such file or directory" in tap.text


def test_a_tap_between_a_node_and_its_router(start: Starter) -> None:
    node, router = free_port(), free_port()
    words = ["--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{router}", "--protocol", "udp"]
    with command("trace", *words, "--count", "2") as tap:
        address = tap.until(r"^listening on (\S+), ")[1]
        front = start(
            f"master = true\nfastrouter = 127.0.0.1:PORT\n"
            f"fastrouter-subscription-server = 127.0.0.1:{router}\n",
            until=r"^spawned uWSGI fastrouter 1 ",
        )
        start(
            f"master = true\nsocket = 127.0.0.1:{node}\nmodule = small\n"
            f"subscribe-to = {address}:x.org\nsubscribe-freq = 1\n",
            files={"small.py": APP},
            until=r"^spawned uWSGI worker 1 ",
        )
        front.wait_for("new pool: x.org")
        assert ask(f"127.0.0.1:{front.port}", "/", "--host", "x.org").endswith("ok")
        assert tap.end() == 0
    assert re.search(rf"client -> node  announces x.org at 127.0.0.1:{node} \(", tap.text)


def test_a_reader_that_ends_early_is_no_error() -> None:
    words = [sys.executable, "-m", "refuwsgi", "simulate", "--algo", "spare"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()  # while it is still starting
        assert running.stderr.read() == b""
        assert running.wait(LIMIT) == 0


@pytest.mark.parametrize("protocol", ["uwsgi", "udp"])
def test_an_address_in_use_is_one_line(protocol: str) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if protocol != "udp":
            taken.listen()
        used = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OptionError, match="in use"):
            trace.main(["--listen", used, "--to", "127.0.0.1:9", "--protocol", protocol])


def test_a_tap_wants_two_names() -> None:
    with pytest.raises(OptionError, match="expected two names"):
        trace.main(["--listen", "a", "--to", "b", "--names", "one"])


def test_an_example_runs_until_it_is_interrupted_and_leaves_nothing() -> None:
    with command("example", "fastrouter/base") as running:
        running.until(r"^Ctrl-C stops it")
        words = running.until(r"^    refuwsgi ask (.*)$")[1].split()
        directory = Path(running.until(r"^in (\S+):$")[1])
        eventually(lambda: "answers example.com" in ask(*words), "an answer")
        log = (directory / "node.log").read_text()
        pids = [int(pid) for pid in re.findall(r"\(pid: (\d+)", log)]
        assert running.end(interrupt=True) == 0
    assert len(pids) == 2
    assert not directory.exists()
    eventually(lambda: not any(alive(pid) for pid in pids), "the end of the node")


def test_an_example_that_fails_shows_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = example.EXAMPLES["scaling/first"]._replace(servers={"a": "--processes x"})
    monkeypatch.setitem(example.EXAMPLES, "broken", broken)
    assert example.main(["broken", "--try"]) == 1
    err = capsys.readouterr().err
    assert "a has ended:" in err
    assert "expected a number, got 'x'" in err


@pytest.mark.parametrize(
    ("rows", "columns", "patience", "cells"),
    [
        ("http-socket,offload", "static", "1", "n"),
        ("offload,http-offload", "static,file", "40", "YYYY"),
        ("fastrouter-buffered", "upload,headers", "40", "YY"),
    ],
)
def test_the_lab_finds_who_waits(
    rows: str, columns: str, patience: str, cells: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["slow", "--rows", rows, "--columns", columns, "--patience", patience]
    assert lab.main(words) == 0
    lines = capsys.readouterr().out.partition("\n\n")[0].splitlines()[1:]
    found = re.findall(r"\b[Yn]\b", "\n".join(lines))
    # With little patience only an n is certain.
    assert "".join(found).startswith(cells)


def test_the_lab_writes_down_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slow.json"
    words = ["--rows", "http-socket", "--columns", "headers", "--patience", "0.3"]
    assert lab.main(["slow", *words, "--json", str(file)]) == 0
    (row,) = json.loads(file.read_text())["rows"]
    assert (row["server"], row["cells"]) == ("refuwsgi", {"headers": "n"})
    assert row["version"] == version_of(lab_setups.SETUPS[0])
