import signal
from typing import Any

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.scaling import orders
from refuwsgi.scaling.orders import meanings
from refuwsgi.scaling.slots import Slot
from refuwsgi.scaling.workers import PLANNED
from tests.unit.scaling.stand import FakeMaster


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody but us stops what is tested."""
    monkeypatch.setattr(orders, "_contained", lambda: False)


def test_what_the_signals_mean() -> None:
    found = meanings(config_of())
    assert found[signal.SIGTERM] is orders.reload_brutally
    assert found[signal.SIGQUIT] is orders.stop
    assert found[signal.SIGHUP] is orders.reload_gracefully
    assert signal.SIGUSR2 not in found


def test_die_on_term() -> None:
    found = meanings(config_of(die_on_term=True))
    assert found[signal.SIGTERM] is orders.stop
    assert found[signal.SIGQUIT] is orders.reload_brutally


def test_in_a_container_term_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_contained", lambda: True)
    found = meanings(config_of())
    assert found[signal.SIGTERM] is found[signal.SIGQUIT] is orders.stop


def test_a_hook_gives_a_signal_another_meaning() -> None:
    config = config_of(hook_master_start="unix_signal:15 gracefully_kill_them_all")
    assert meanings(config)[signal.SIGTERM] is orders.stop_gracefully
    with pytest.raises(OptionError, match="hook-master-start"):
        meanings(config_of(hook_master_start="unix_signal:1500 kill_them_all"))


def test_a_pause_is_for_all_and_ends_with_the_next_order() -> None:
    master = FakeMaster(2, 1)
    fake: Any = master
    orders.pause(fake)
    assert (master.paused, master.board.workers[0].paused) == (True, 1)
    assert master.board.workers[1].paused == 0
    orders.pause(fake)
    assert (master.paused, master.board.workers[0].paused) == (False, 0)
    assert master.signals(1) == [signal.SIGTSTP] * 2


def test_workers_are_renewed() -> None:
    master = FakeMaster(3, 2)
    fake: Any = master
    orders.renew_workers(fake)
    assert master.renewed == [1, 2]
    orders.renew_workers_brutally(fake)
    assert master.signals(1)[-1] == signal.SIGINT
    master.goal = "stop"
    orders.renew_workers(fake)
    assert len(master.renewed) == 4


def test_the_log_is_opened_anew_by_all() -> None:
    master = FakeMaster(2, 2)
    fake: Any = master
    orders.reopen_log(fake)
    assert master.signals(2) == [orders.REOPEN]


@pytest.mark.parametrize(
    ("status", "planned", "line"),
    [
        (-9, False, "DAMN ! worker 2 (pid: 7) died, killed by signal 9 :( trying respawn ..."),
        (1, False, "DAMN ! worker 2 (pid: 7) died :( trying respawn ..."),
        (PLANNED, False, "worker 2 killed successfully (pid: 7)"),
        (0, True, "worker 2 killed successfully (pid: 7)"),
    ],
)
def test_why_a_worker_is_no_more(status: int, planned: bool, line: str) -> None:
    slot = Slot(2, "uWSGI worker 2", lambda: 0)
    slot.planned = planned
    assert slot.ended(7, status) == line


def test_a_process_that_writes_the_log_gets_the_orders_about_it() -> None:
    master = FakeMaster(1, 1)
    fake: Any = master
    got: list[str] = []
    master.log_order = got.append
    orders.reopen_log(fake)
    orders.rotate_log(fake)
    assert (got, master.signals(1)) == (["reopen", "rotate"], [])


def test_without_one_the_workers_open_their_log_anew() -> None:
    master = FakeMaster(1, 1)
    fake: Any = master
    orders.rotate_log(fake)
    assert master.signals(1) == [orders.REOPEN]


def test_deadlines_of_applications_are_watched_once() -> None:
    master = FakeMaster(1, 1)
    fake: Any = master
    fake.watched = False
    orders.watch_deadlines(fake)
    orders.watch_deadlines(fake)
    (watch,) = master.spawned
    watch.close()


def test_a_pidfile_that_cannot_be_written_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    fake: Any = FakeMaster(1, 1)
    fake.config = config_of(pidfile="/no/such/folder/pid")
    orders.write_pidfiles(fake)
    assert "No such file" in capfd.readouterr().err
