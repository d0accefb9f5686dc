"""Processes: what a start takes, and what it leaves where it fails."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from refuwsgi import processes
from refuwsgi.loop import readable
from refuwsgi.processes import start
from refuwsgi.shared import words
from tests.unit.eventually import LIMIT, run

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def status_of(main: Callable[[], int | None]) -> int:
    child = start("test", main)

    async def end() -> None:
        await readable(child.sentinel, LIMIT)

    run(end())
    return child.status()


def test_where_no_process_can_be_started_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    before, mask = os.listdir("/proc/self/fd"), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with pytest.raises(BlockingIOError):
        start("test", lambda: None)
    assert os.listdir("/proc/self/fd") == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


def test_without_descriptors_of_processes_the_end_of_a_pipe_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "_pidfd", lambda pid: -1)
    before = os.listdir("/proc/self/fd")
    assert status_of(lambda: 3) == 3
    assert os.listdir("/proc/self/fd") == before


def test_a_child_that_somebody_else_has_reaped_has_a_status() -> None:
    child = start("test", lambda: 3)
    os.waitpid(child.pid, 0)
    assert child.status() == processes.UNKNOWN


def test_a_child_knows_who_has_started_it() -> None:
    seen = words(1)

    def look() -> None:
        seen[0] = processes.starter()

    assert status_of(look) == 0
    assert seen[0] == os.getpid()


def test_to_start_a_process_takes_no_module_that_only_that_needs() -> None:
    code = (
        "import sys\n"
        "from refuwsgi.processes import start\n"
        "before = set(sys.modules)\n"
        "start('test', lambda: None).status()\n"
        "print(sorted(set(sys.modules) - before - {'gc'}))\n"
    )
    got = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert got.stdout == "[]\n"
