"""Processes that the kernel refuses, and workers that die too fast."""

import os
from typing import Any

import pytest

from refuwsgi import processes
from refuwsgi.loop import Loop, sleep
from refuwsgi.scaling import forking
from refuwsgi.scaling.slots import Slot
from tests.unit.eventually import run


class Master:
    """As much of one as is asked."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.ending = False


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    monkeypatch.setattr(forking, "PAUSE", 0.01)
    return lines


def refuse(*args: Any, **kwargs: Any) -> Any:
    raise BlockingIOError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize("ending", [False, True])
def test_a_process_that_cannot_be_is_tried_again(
    said: list[str], monkeypatch: pytest.MonkeyPatch, ending: bool
) -> None:
    monkeypatch.setattr(processes, "start", refuse)
    master: Any = Master()
    again: list[Slot] = []
    slot = Slot(1, "uWSGI worker 1", lambda: 0)

    async def wait() -> None:
        assert forking.start(master, slot, again.append) is None
        master.ending = ending
        await sleep(0.1)

    run(wait(), loop=master.loop)
    assert len(said) == 1
    assert "uWSGI worker 1: Resource temporarily unavailable" in said[0]
    assert again == ([] if ending else [slot])


def test_workers_that_die_too_fast_are_slowed_down(said: list[str]) -> None:
    async def deaths(pace: forking.Pace, count: int) -> int:
        for _ in range(count):
            await pace.slow_down()
        return len(said)

    assert run(deaths(forking.Pace(0.01, 1), 2)) == [0]
    assert run(deaths(forking.Pace(0, 1), 9)) == [0]
    assert run(deaths(forking.Pace(0.01, 1), 3)) == [1]


def test_a_fork_that_fails_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(BlockingIOError):
        processes.start("any", lambda: 0)
    assert os.listdir("/proc/self/fd") == before
