"""A start that is interrupted: it ends at once and quietly, whenever that happens."""

import os
import random
import signal
import time
from functools import partial

import pytest

from tests.conformance.harness import Starter, Subject, eventually
from tests.integration.around import catches, interrupt_group

SITE = """
http-socket = 127.0.0.1:PORT
socket = DIR/site.sock
master = MASTER
die-on-term = true
processes = 2
threads = 2
offload-threads = 1
vacuum = true
pidfile = DIR/master.pid
module = slow_app
"""
# Loading takes a moment, as real applications do.
APP = """
import time
end = time.monotonic() + 0.15
while time.monotonic() < end:
    time.sleep(0.001)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""
ROUNDS = 6
LATEST = 0.7  # seconds after the first look; then it is up, or nearly so


class Watch:
    """Sees the interpreter's own handler of SIGINT come and, with our first line of code, go."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._begun = False

    def ours(self) -> bool:
        """Whether the interpreter has come to our code."""
        if catches(self._subject.pid, signal.SIGINT):
            self._begun = True
            return bool(self._subject.log)
        return self._begun


def gone(subject: Subject) -> bool:
    """Whether no process is left."""
    return not subject.family()


@pytest.mark.parametrize("master", ["true", "false"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_ends_quietly(
    start: Starter, number: signal.Signals, master: str
) -> None:
    moments = random.Random(f"{number} {master}")
    for _ in range(ROUNDS):
        subject = start.launch(SITE.replace("MASTER", master), files={"slow_app.py": APP})
        eventually(Watch(subject).ours, "the interpreter runs refuwsgi")
        time.sleep(moments.uniform(0.0, LATEST))  # the moment is what the test varies
        if number == signal.SIGINT:
            interrupt_group(subject.pid)
        else:
            os.kill(subject.pid, number)
        assert subject.ended(15) in (0, -number), subject.log
        eventually(partial(gone, subject), "all processes gone", 15)
        assert not [path for path in subject.directory.iterdir() if path.is_socket()], subject.log
        assert not list(subject.directory.glob("*.pid")), subject.log
        for word in ("Traceback", "KeyboardInterrupt", "DAMN", "Respawned"):
            assert word not in subject.log
