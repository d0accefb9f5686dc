"""What a request costs in system calls, counted exactly: the figure that no noise moves.

What: strace watches a whole server while one request after the other is made; what most of them
      cost is compared with the number that was reached.  A number that rises is a loss of speed
      that the bench would show only on a quiet machine; one that falls is to be written down here.
"""

import contextlib
import functools
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.harness import (
    OK,
    Backend,
    Received,
    Starter,
    Subject,
    packet,
    request_vars,
    tree,
)

STRACE = shutil.which("strace")
REQUESTS = 12
LONG = 60.0  # seconds until a burst without a disturbance must have been seen
ROUNDS = 5
QUIET = 0.05  # seconds without another call: the server has finished with a request
HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
SERVER = "master = true\ndisable-logging = true\nwsgi-file = hello.py\n"
GET = b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
KEPT = GET.replace(b"close", b"keep-alive")
FILE = GET.replace(b"/ ", b"/small ", 1)
VARS = packet(request_vars())
MIB = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bytes(1 << 20)


def traceable() -> bool:
    """Whether strace is here and may do its work."""
    if STRACE is None:
        return False
    return not subprocess.run([STRACE, "-qq", "-o", "/dev/null", "true"], check=False).returncode


pytestmark = pytest.mark.skipif(not traceable(), reason="absent: strace, or the right to trace")


class Trace:
    """The system calls of a server and of all that it has started."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def ended(self) -> int:
        """How many calls have returned so far."""
        lines = self._file.read_text(errors="replace").splitlines()
        return sum("(" in line and not line.endswith("<unfinished ...>") for line in lines) + sum(
            " resumed>" in line and "(" not in line for line in lines
        )

    def settled(self) -> int:
        """How many calls have returned when nothing more happens."""
        before, since = self.ended(), time.monotonic()
        while time.monotonic() - since < QUIET:
            time.sleep(QUIET / 4)
            if (now := self.ended()) != before:
                before, since = now, time.monotonic()
        return before

    def usual(self, ask: Callable[[], None]) -> int:
        """What most requests cost; on a machine that is too busy to tell, look again."""
        for _ in range(ROUNDS):
            costs = []
            for _ in range(REQUESTS):
                before = self.settled()
                ask()
                costs.append(self.settled() - before)
            found = statistics.mode(costs)
            if costs.count(found) * 3 > REQUESTS * 2:
                break
        return found


@contextlib.contextmanager
def traced(subject: Subject) -> Iterator[Trace]:
    """Watch a running server."""
    assert STRACE is not None
    file = subject.directory / "calls"
    pids = [f"--attach={pid}" for pid in tree(subject.pid)]
    command = [STRACE, "-f", "-e", "signal=none", "-o", str(file), *pids]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for _ in pids:
            process.stderr.readline()  # "Process N attached"
        try:
            yield Trace(file)
        finally:
            process.terminate()


def connected(address: str | int) -> socket.socket:
    """Connect to a path, or to a port of this machine."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), 20)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(address)
    return sock


def once(address: str | int, request: bytes) -> None:
    """Ask on a connection of its own, and read to its end."""
    with connected(address) as sock:
        sock.sendall(request)
        first = sock.recv(65536)
        assert first.startswith(b"HTTP/1.1 200 "), first
        while sock.recv(1 << 20):
            pass


def again(sock: socket.socket) -> None:
    """Ask on a connection that is kept."""
    sock.sendall(KEPT)
    answer = sock.recv(65536)
    while not answer.endswith(b"hello"):
        answer += sock.recv(65536)


def cost(start: Starter, ini: str, request: bytes, address: str | int | None = None) -> int:
    """What a request of a connection of its own costs."""
    subject = start(SERVER + ini, files={"hello.py": HELLO, "small": "x" * 1024})
    where = address if address is not None else subject.port
    if isinstance(where, str):
        where = str(subject.directory / where)
    subject.wait_listening(where)
    once(where, request)  # now the worker is there, too
    with traced(subject) as trace:
        return trace.usual(lambda: once(where, request))


def test_hello_over_http(start: Starter) -> None:
    assert cost(start, "http-socket = 127.0.0.1:PORT\n", GET) == 5


def test_hello_over_uwsgi(start: Starter) -> None:
    assert cost(start, "socket = DIR/hello.sock\n", VARS, "hello.sock") == 5


def test_a_static_file(start: Starter) -> None:
    assert cost(start, "http-socket = 127.0.0.1:PORT\ncheck-static = .\n", FILE) == 6


# Of a kept client, beside the end of each burst: recv and send, and where a router is between,
# three waits and three times these two.
@pytest.mark.parametrize(
    ("ini", "calls"),
    [
        ("http11-socket = 127.0.0.1:PORT\nthreads = 2\n", 2),
        ("http = 127.0.0.1:PORT\nhttp-keepalive = 1\n", 9),
    ],
    ids=["of a worker", "of the router"],
)
def test_a_kept_connection(start: Starter, ini: str, calls: int) -> None:
    subject = start(SERVER + ini, files={"hello.py": HELLO})
    subject.wait_listening(subject.port)
    with connected(subject.port) as sock:
        again(sock)
        again(sock)
        with traced(subject) as trace:

            def cost(requests: int) -> int:
                before = trace.settled()
                for _ in range(requests):
                    again(sock)
                return trace.settled() - before

            # A client that pauses is parked, which costs some more: the end of each burst does,
            # and on a busy machine this test's own pauses; and who comes back may wake up both
            # cores, of which one finds nothing.  That is so for either kind of burst, and some
            # of each kind are spared it, but not soon on every machine.
            few, many, end = cost(5), cost(25), time.monotonic() + LONG
            while many - few != 20 * calls and time.monotonic() < end:
                few, many = min(few, cost(5)), min(many, cost(25))
            assert many - few == 20 * calls


def test_the_http_router_and_its_worker(start: Starter) -> None:
    assert cost(start, "http = 127.0.0.1:PORT\n", GET) == 17


class Node:
    """A node whose answer and end arrive at once, so that it does not matter who is faster."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __call__(self, sock: socket.socket, request: Received) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        sock.sendall(self._answer)
        sock.close()


# How many pieces a MiB comes in depends on who is faster, too.
@pytest.mark.parametrize(
    ("answer", "calls"), [(OK, range(12, 13)), (MIB, range(20, 28))], ids=["hello", "1 MiB"]
)
def test_the_fastrouter(start: Starter, answer: bytes, calls: range) -> None:
    with Backend(Node(answer), protocol="uwsgi") as node:
        subject = start(
            f"master = true\nfastrouter = 127.0.0.1:PORT\nfastrouter-to = {node.address}\n"
        )
        subject.wait_listening(subject.port)
        once(subject.port, VARS)
        with traced(subject) as trace:
            ask = functools.partial(once, subject.port, VARS)
            found, end = trace.usual(ask), time.monotonic() + LONG
            while found >= calls.stop and time.monotonic() < end:  # who else computes cuts it, too
                found = trace.usual(ask)
            assert found in calls
