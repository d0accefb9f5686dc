"""The real uwsgitop, in a terminal: it reads our stats over each kind of socket, and quits."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from select import select

import pytest

from tests.conformance.harness import Starter, Subject, ask, eventually

SITE = """
socket = DIR/site.sock
master = true
processes = 2
threads = 2
offload-threads = 1
module = case_app
"""
STATS = {
    "tcp": ("stats = 127.0.0.1:PORT", "127.0.0.1:{port}"),
    "unix": ("stats = DIR/stats.sock", "{directory}/stats.sock"),
    "http": ("stats = 127.0.0.1:PORT\nstats-http = true", "http://127.0.0.1:{port}/"),
}
LAST = r"^spawned uWSGI worker 2 \("


class Screen:
    """What a program has drawn so far, and its keyboard."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.shown = b""
        self._terminal = terminal

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def wait_for(self, text: bytes) -> None:
        """Wait until the text is drawn, from now on."""
        self.shown = b""
        eventually(lambda: text in self._look(), f"uwsgitop shows {text!r}")

    def _look(self) -> bytes:
        while select([self._terminal], [], [], 0)[0]:
            try:
                more = os.read(self._terminal, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            self.shown += more
        assert b"Traceback" not in self.shown, self.shown.decode(errors="replace")
        return self.shown


@contextmanager
def uwsgitop(address: str) -> Iterator[Screen]:
    """Run it in a terminal of its own."""
    places = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    tool = shutil.which("uwsgitop", path=places)
    if tool is None:
        pytest.skip("absent: no uwsgitop")
    terminal, end = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "LINES": "24", "COLUMNS": "160"}
    process = subprocess.Popen([tool, address], stdin=end, stdout=end, stderr=end, env=env)
    os.close(end)
    try:
        yield Screen(process, terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def site(start: Starter, kind: str) -> tuple[Subject, str]:
    lines, address = STATS[kind]
    subject = start(f"{SITE}{lines}\n", until=LAST)
    port = subject.ports.get("PORT")
    return subject, address.format(port=port, directory=subject.directory)


@pytest.mark.parametrize("kind", STATS)
def test_it_shows_the_workers_and_quits(start: Starter, kind: str) -> None:
    subject, address = site(start, kind)
    eventually(lambda: (subject.directory / "site.sock").exists())
    for _ in range(3):
        assert ask(subject.path("site.sock"), "/hello").text == "hello"
    with uwsgitop(address) as screen:
        screen.wait_for(b"req: 3")
        screen.wait_for(str(subject.worker(1)).encode())  # a row; cleared and drawn each second
        for _ in range(2):  # the cores instead of the workers, the cores below the workers
            screen.type(b"a")
            screen.wait_for(b"req: 3")
        screen.type(b"q")
        assert screen.process.wait(25) == 0
