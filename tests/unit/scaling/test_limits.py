import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import limits
from refuwsgi.scaling.limits import Limits, MasterLimits, WorkerLimits, memory_of
from refuwsgi.scoreboard import Scoreboard
from tests.unit.scaling.stand import FakeMaster

ANY: Any = None


@pytest.fixture
def hups() -> Iterator[list[int]]:
    """The signals that this process has sent itself."""
    found: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: found.append(number))
    yield found
    signal.signal(signal.SIGHUP, before)


def test_what_is_reached() -> None:
    def memory() -> tuple[int, int]:
        return 900, 100

    assert Limits().reached(10**9, 10**9, memory) == ""
    assert Limits(requests=3).reached(2, 0, memory) == ""
    assert Limits(requests=3).reached(3, 0, memory) == "requests"
    assert Limits(requests=3, youngest=10).reached(3, 9.9, memory) == "young"
    assert Limits(requests=3, youngest=10).reached(3, 10, memory) == "requests"
    assert Limits(rss=101).reached(0, 0, memory) == ""
    assert Limits(rss=100).reached(0, 0, memory) == "memory"
    assert Limits(space=900).reached(0, 0, memory) == "memory"


def test_a_worker_leaves_once(hups: list[int]) -> None:
    board = Scoreboard(1, 2)
    board.workers[0].base = 10
    asks = WorkerLimits(Limits(requests=3), board, 1, report=False)
    board.cores[0][0].requests, board.cores[0][1].requests = 10, 2
    asks.after(ANY)
    assert hups == []
    board.cores[0][1].requests = 3
    asks.after(ANY)
    asks.after(ANY)
    assert hups == [signal.SIGHUP]
    assert board.workers[0].retiring == 1


def test_the_memory_is_reported() -> None:
    board = Scoreboard(1, 1)
    found = limits.for_worker(config_of(memory_report=True), board, 1, report=True)
    assert found is not None
    found.after(ANY)
    assert board.workers[0].rss > 1 << 20
    assert board.workers[0].vsz >= board.workers[0].rss


def test_who_has_no_limits_is_not_asked() -> None:
    config = config_of()
    assert limits.for_worker(config, Scoreboard(1, 1), 1, report=False) is None
    assert limits.for_master(config, report=False) is None


def test_each_worker_may_have_more_than_the_one_before(hups: list[int]) -> None:
    board = Scoreboard(3, 1)
    config = config_of(max_requests="10", max_requests_delta="5")
    found = limits.for_worker(config, board, 3, report=False)
    assert found is not None
    board.cores[2][0].requests = 19
    found.after(ANY)
    assert hups == []
    board.cores[2][0].requests = 20
    found.after(ANY)
    assert hups == [signal.SIGHUP]


def test_the_master_replaces_who_is_too_old() -> None:
    master = FakeMaster(2, 2)
    for slot in master.workers:
        slot.started = time.monotonic() - 12
    fake: Any = master
    MasterLimits(10, 5, 0, 0, report=False).look(fake)
    assert master.renewed == [1]
    MasterLimits(10, 5, 0, 0, report=False).look(fake)
    assert master.renewed == [1]  # it is on its way already


def test_the_master_kills_who_is_too_fat() -> None:
    master = FakeMaster(1, 1)
    child: Any = master.workers[0].child
    child.pid = os.getpid()
    fake: Any = master
    MasterLimits(0, 0, 1 << 20, 0, report=False).look(fake)
    assert master.signals(1) == [signal.SIGKILL]


@pytest.mark.parametrize("options", [{"max_worker_lifetime": "5"}, {"max_worker_lifetime": "10"}])
def test_the_life_times_must_fit(options: dict[str, str]) -> None:
    with pytest.raises(OptionError, match=r"max-worker-lifetime.*min-worker-lifetime"):
        limits.check(config_of(**options))


def test_life_times_that_fit() -> None:
    limits.check(config_of())
    limits.check(config_of(max_worker_lifetime="11"))
    limits.check(config_of(max_worker_lifetime="2", min_worker_lifetime="1"))


def test_nobody_has_no_memory() -> None:
    assert memory_of("nobody") == (0, 0)
