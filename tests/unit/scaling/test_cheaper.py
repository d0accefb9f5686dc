import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import cheaper, upkeep
from tests.unit.scaling.stand import FakeMaster


def made(queue: Callable[[], int] = lambda: 0, **options: Any) -> cheaper.Cheaper:
    config = config_of(cheaper="1", processes="4", cheaper_overload="1", **options)
    found = cheaper.configured(config, queue)
    assert found is not None
    return found


def look(part: cheaper.Cheaper, master: Any) -> None:
    part.look(master)


@pytest.mark.parametrize(("initial", "count"), [("", 2), ("3", 3), ("1", 2), ("9", 4)])
def test_how_many_there_are_at_the_start(initial: str, count: int) -> None:
    more = {"cheaper_initial": initial} if initial else {}
    assert cheaper.initial(config_of(cheaper="2", processes="4", **more)) == count


def test_without_cheaper_all_are_started() -> None:
    assert cheaper.initial(config_of(processes="4")) == 4
    assert cheaper.configured(config_of(processes="4", cheaper="0"), lambda: 0) is None


@pytest.mark.parametrize("options", [{"cheaper": "4", "processes": "4"}, {"cheaper": "1"}])
def test_cheaper_must_be_below_processes(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="must be lower than processes"):
        upkeep.check(config_of(**options))  # before the application is loaded


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(OptionError, match="cheaper-algo"):
        made(cheaper_algo="nosuch")


def test_an_algorithm_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def decide(seen, now):\n    return seen.unborn\n")
    master = FakeMaster(4, 1)
    look(made(cheaper_algo=str(path)), master)
    assert all(slot.child for slot in master.workers)


@pytest.mark.parametrize("text", ["", "decide = 3\n", "def\n"])
def test_a_file_without_a_decision_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(OptionError):
        made(cheaper_algo=str(path))


def test_the_lowest_free_place_is_taken() -> None:
    master, part = FakeMaster(4, 3), made()
    master.bury(2)
    master.workers[1].wanted = False
    for rows in master.board.cores:
        rows[0].in_request = 1
    look(part, master)
    look(part, master)
    assert master.workers[1].child is not None
    assert master.workers[3].child is None


def test_the_idle_worker_that_was_there_first_is_stopped() -> None:
    master, part = FakeMaster(4, 4), made()
    for slot, born in zip(master.workers, (5, 3, 4, 1), strict=True):
        slot.started = born
    master.board.cores[3][0].in_request = 1
    look(part, master)
    assert master.signals(2) == [signal.SIGHUP]
    assert (master.workers[1].wanted, master.workers[1].cheaped) == (False, True)
    assert [master.signals(number) for number in (1, 3, 4)] == [[], [], []]


def test_nothing_happens_in_a_pause_or_in_sleep() -> None:
    master, part = FakeMaster(4, 4), made()
    master.paused = True
    look(part, master)
    master.paused, master.asleep = False, True
    look(part, master)
    assert all(master.signals(number) == [] for number in (1, 2, 3, 4))


def test_the_operator_may_start_and_stop() -> None:
    master, part = FakeMaster(4, 1), made(cheaper_algo="manual")
    fake: Any = master
    part.one_more(fake)
    assert master.workers[1].child is not None
    part.one_less(fake)
    part.one_less(fake)
    stopped = [slot.number for slot in master.workers if slot.cheaped]
    assert len(stopped) == 1


def test_memory_forbids_a_start_and_asks_for_a_stop() -> None:
    part = made(memory_report=True, cheaper_rss_limit_soft="100", cheaper_rss_limit_hard="200")
    master = FakeMaster(4, 2)
    for rows in master.board.cores:
        rows[0].in_request = 1
    master.board.workers[0].rss = 150
    look(part, master)
    look(part, master)
    assert master.workers[2].child is None
    master.board.workers[0].rss = 250
    master.board.cores[1][0].in_request = 0
    look(part, master)
    assert master.signals(2) == [signal.SIGHUP]


@pytest.mark.parametrize(
    "options",
    [
        {"cheaper_rss_limit_soft": "10"},
        {"cheaper_rss_limit_hard": "10"},
        {"memory_report": True, "cheaper_rss_limit_soft": "10", "cheaper_rss_limit_hard": "10"},
    ],
)
def test_wrong_memory_limits_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="cheaper-rss-limit"):
        upkeep.check(config_of(cheaper="1", processes="4", **options))
