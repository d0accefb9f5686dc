"""What a plain request costs in steps of Python's bytecode: a figure that no machine moves.

What: a server counts the opcodes of the process that serves, one client after the other.  Who
      makes a request take a tenth more of them has to say so here, and why.  Later Pythons than
      3.11 need fewer for the same lines, so what is held is a limit.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import wire
from tests.bench.steps import MEASURED, WARM
from tests.conformance.harness import OK, Backend, free_port

PATIENCE = 60.0  # seconds; a machine that needs longer than that is stuck
HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
CALM = ("--disable-logging",)
Requests = Callable[[], list[bytes]]
LIMITS: dict[str, tuple[int, str, tuple[str, ...], Requests]] = {
    "hello": (870, "--http-socket", CALM, wire.many_http),
    "logged hello": (1060, "--http-socket", (), wire.many_http),
    "packet": (1030, "--socket", CALM, wire.many_packets),
    "HTTP router": (1100, "--http", (*CALM, "--http-to"), wire.many_http),
    "fastrouter": (1050, "--fastrouter", (*CALM, "--fastrouter-to"), wire.many_packets),
}


@contextlib.contextmanager
def counting(into: Path, *options: str) -> Iterator[None]:
    """A server whose steps are counted; nothing else traces it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.bench.steps", str(into), "--master", *options]
    log = into.with_suffix(".log").open("wb")
    with log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.send_signal(2)


def ask(port: int, request: bytes) -> bytes:
    """Ask on a connection of its own, and read to its end."""
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        sock.sendall(request)
        answer = b""
        while part := sock.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("case", LIMITS)
def test_the_steps_of_a_plain_request(case: str, tmp_path: Path) -> None:
    limit, option, more, requests = LIMITS[case]
    port, into = free_port(), tmp_path / "steps.json"
    (tmp_path / "hello.py").write_text(HELLO)
    with contextlib.ExitStack() as stack:
        if more[-1:] and more[-1].endswith("-to"):
            node = stack.enter_context(contextlib.closing(Backend(OK, protocol="uwsgi")))
            options = [*more, node.address]
        else:
            options = [*more, "--wsgi-file", str(tmp_path / "hello.py"), "--need-app"]
        stack.enter_context(counting(into, option, f"127.0.0.1:{port}", *options))
        end = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < end, into.with_suffix(".log").read_text()
            with contextlib.suppress(OSError):
                ask(port, requests()[0])
                break
        for request in requests()[: WARM + MEASURED + 1]:
            assert ask(port, request).startswith(b"HTTP/1.1 200 ")
        while not into.exists():
            assert time.monotonic() < end, into.with_suffix(".log").read_text()
    steps = json.loads(into.read_text())
    assert limit / 2 < steps["all"] <= limit, steps
