from typing import Any

import pytest

from refuwsgi.loop import sleep
from refuwsgi.scaling import chain_reload
from tests.unit.eventually import run
from tests.unit.scaling.stand import FakeMaster


def chain(master: FakeMaster, *others: Any) -> None:
    fake: Any = master
    chain_reload.start(fake)
    run(*master.spawned, *others)


async def replace(master: FakeMaster) -> None:
    """Do what a master does about workers that it has told to go."""
    done = 0
    while done < len(master.workers):
        await sleep(0.01)
        if len(master.renewed) > done:
            number = master.renewed[done]
            master.bury(number)
            await sleep(0.1)
            master.spawn_worker(master.workers[number - 1])
            done += 1


def test_one_worker_after_the_other(capfd: pytest.CaptureFixture[str]) -> None:
    master = FakeMaster(3, 3)
    chain(master, replace(master))
    assert master.renewed == [1, 2, 3]
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "chain reload starting...",
        "chain next victim is worker 1",
        "chain next victim is worker 2",
        "chain next victim is worker 3",
        "chain reloading complete",
    ]


def test_there_is_one_chain_at_a_time_and_none_at_the_end() -> None:
    master = FakeMaster(1, 1)
    fake: Any = master
    chain_reload.start(fake)
    chain_reload.start(fake)
    assert len(master.spawned) == 1
    run(*master.spawned, replace(master))
    master.ending = True
    chain_reload.start(fake)
    assert len(master.spawned) == 1


def test_the_chain_stops_when_a_successor_does_not_come_up() -> None:
    master = FakeMaster(2, 2)

    async def die() -> None:
        while not master.renewed:
            await sleep(0.01)
        for _ in range(chain_reload.TRIES + 1):
            master.spawn_worker(master.workers[0])
            master.board.workers[0].ready = 0

    chain(master, die())
    assert master.renewed == [1]


def test_a_worker_that_is_stopped_meanwhile_is_not_waited_for() -> None:
    master = FakeMaster(1, 1)

    async def stop() -> None:
        while not master.renewed:
            await sleep(0.01)
        master.workers[0].wanted = False
        master.bury(1)

    chain(master, stop())
    assert master.renewed == [1]


def test_the_end_of_the_instance_ends_the_chain() -> None:
    master = FakeMaster(2, 2)

    async def end() -> None:
        while not master.renewed:
            await sleep(0.01)
        master.ending = True

    chain(master, end())
    assert master.renewed == [1]
