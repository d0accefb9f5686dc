"""What a plain request costs in steps of Python's bytecode: a figure that no machine moves.

What: a server counts the opcodes of the process that serves, one client after the other.  Who
      makes a request take a tenth more of them has to say so here, and why.  Later Pythons than
      3.11 need fewer for the same lines, so what is held is a limit.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import applications, wire
from tests.bench.steps import MEASURED, WARM
from tests.conformance.harness import OK, Backend, eventually, exchange, free_port, listening

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
            process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("case", LIMITS)
def test_the_steps_of_a_plain_request(case: str, tmp_path: Path) -> None:
    limit, option, more, requests = LIMITS[case]
    port, into = free_port(), tmp_path / "steps.json"
    applications.furnish(tmp_path)
    with contextlib.ExitStack() as stack:
        if more[-1:] and more[-1].endswith("-to"):
            node = stack.enter_context(contextlib.closing(Backend(OK, protocol="uwsgi")))
            options = [*more, node.address]
        else:
            options = [*more, "--wsgi-file", str(tmp_path / "hello.py"), "--need-app"]
        stack.enter_context(counting(into, option, f"127.0.0.1:{port}", *options))
        eventually(lambda: listening(port), "the server listens")
        for request in requests()[: WARM + MEASURED + 1]:
            assert exchange(port, request).status == 200
        eventually(into.exists, "the steps are counted")
    steps = json.loads(into.read_text())
    assert limit / 2 < steps["all"] <= limit, steps
