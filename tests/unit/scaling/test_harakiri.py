import signal
from typing import Any

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import harakiri
from refuwsgi.scaling.harakiri import SHOWN_HTTP, TRACE, Harakiri, late_core, shown
from refuwsgi.scoreboard import Scoreboard
from tests.unit.eventually import run
from tests.unit.scaling.stand import FakeMaster

TERM, KILL = signal.SIGTERM, signal.SIGKILL


def made(*, verbose: bool = False, gentle: int = 0) -> Harakiri:
    return Harakiri(verbose=verbose, gentle=gentle, by=TERM)


def look(part: Harakiri, master: FakeMaster, now: int, clock: float = 0.0) -> None:
    fake: Any = master
    run(part.look(fake, now, clock))


def begin(master: FakeMaster, worker: int, core: int, deadline: int) -> None:
    row = master.board.cores[worker - 1][core]
    row.in_request, row.deadline = 1, deadline


def test_only_a_core_in_a_request_is_late() -> None:
    cores = Scoreboard(1, 3).cores[0]
    assert late_core(cores, 10) is None
    cores[0].deadline = 5
    assert late_core(cores, 10) is None
    cores[2].deadline, cores[2].in_request = 11, 1
    assert late_core(cores, 10) is None
    assert late_core(cores, 11) == 2


def test_the_worker_of_a_late_request_is_killed() -> None:
    master = FakeMaster(2, 2, cores=2)
    begin(master, 2, 1, 1000)
    part = made()
    look(part, master, 999)
    assert master.signals(2) == []
    look(part, master, 1000)
    assert master.signals(2) == [KILL]
    assert master.signals(1) == []
    assert master.board.workers[1].harakiris == 1


def test_a_gentle_harakiri_waits_before_it_kills() -> None:
    master = FakeMaster(1, 1)
    begin(master, 1, 0, 1000)
    part = made(gentle=3)
    look(part, master, 1000, 50.0)
    look(part, master, 2000, 52.9)
    assert master.signals(1) == [TERM]
    look(part, master, 3000, 53.0)
    assert master.signals(1) == [TERM, KILL]
    assert master.board.workers[0].harakiris == 1


def test_a_successor_does_not_pay_for_its_predecessor() -> None:
    master = FakeMaster(1, 1)
    begin(master, 1, 0, 1000)
    part = made(gentle=3)
    look(part, master, 1000, 50.0)
    master.bury(1)
    master.spawn_worker(master.workers[0])
    master.board.cores[0][0].clear()
    look(part, master, 9000, 99.0)
    assert master.signals(1) == []


def test_a_verbose_one_asks_where_the_threads_are() -> None:
    master = FakeMaster(1, 1)
    begin(master, 1, 0, 1000)
    look(made(verbose=True), master, 1000)
    assert master.signals(1) == [TRACE, KILL]


def test_what_a_core_shows() -> None:
    core = Scoreboard(1, 1).cores[0][0]
    assert shown(core) == ("", "", "")
    head = b"GET /slow?a=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    core.shown[: len(head)] = head
    core.shown_size = len(head) | SHOWN_HTTP
    assert shown(core) == ("", "GET", "/slow?a=1")
    core.shown_size = 9
    assert shown(core) == ("", "", "")


def test_the_options() -> None:
    assert harakiri.configured(config_of(), buffered=False) is None
    assert harakiri.configured(config_of(harakiri="3"), buffered=True) is not None
    with pytest.raises(OptionError, match="harakiri-graceful-signal"):
        harakiri.configured(config_of(harakiri="3", harakiri_graceful_signal="900"), buffered=True)
