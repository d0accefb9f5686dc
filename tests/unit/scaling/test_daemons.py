import os
import time
from pathlib import Path
from typing import Any

from refuwsgi.loop import Loop, sleep
from refuwsgi.options import config_of
from refuwsgi.scaling import daemons
from refuwsgi.scaling.daemons import Daemon
from tests.unit.eventually import until
from tests.unit.scaling.stand import FakeMaster


class MasterWithEnd(FakeMaster):
    """Knows what a daemon wants of a master's end."""

    def __init__(self) -> None:
        super().__init__(1, 1)
        self.tasks: list[Any] = []
        self.before_end: list[Any] = []
        self.at_end: list[Any] = []


def starts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_command_is_started_again_until_the_instance_ends(tmp_path: Path) -> None:
    path = tmp_path / "starts"
    master: Any = MasterWithEnd()
    daemons.join(master, config_of(attach_daemon=f"echo start >> {path}"))
    loop = Loop()

    async def end() -> None:
        while starts(path) < 2:
            await sleep(0.02)
        master.ending = True
        loop.stop()

    for task in [*master.tasks, end()]:
        loop.spawn(task)
    loop.run()
    for call in [*master.before_end, *master.at_end]:
        call()
    assert starts(path) >= 2


def test_the_end_of_the_instance_is_that_of_the_command_and_its_children(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    daemon = Daemon(f"sleep 1000 & echo $! > {path}; wait")
    master: Any = MasterWithEnd()
    loop = Loop()

    async def end() -> None:
        while not path.exists() or not path.read_text():
            await sleep(0.02)
        loop.stop()

    loop.spawn(daemon.run(master))
    loop.spawn(end())
    loop.run()
    assert daemon.process is not None
    pid = int(path.read_text())
    daemon.end()
    daemon.bury(time.monotonic() + 10)
    assert daemon.process is None
    until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_stubborn_command_is_killed() -> None:
    daemon = Daemon("trap '' TERM; sleep 1000")
    loop = Loop()

    async def end() -> None:
        while daemon.process is None:
            await sleep(0.02)
        loop.stop()

    master: Any = MasterWithEnd()
    loop.spawn(daemon.run(master))
    loop.spawn(end())
    loop.run()
    assert daemon.process is not None
    pid = daemon.process.pid
    daemon.bury(time.monotonic())
    assert not os.path.exists(f"/proc/{pid}") or not alive(pid)
