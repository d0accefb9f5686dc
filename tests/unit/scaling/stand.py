"""A master that has no processes, for tests of what a master does."""

from collections.abc import Coroutine
from typing import Any

from refuwsgi.scaling.slots import Slot
from refuwsgi.scaling.workers import PLANNED
from refuwsgi.scoreboard import Scoreboard


class FakeChild:
    """A process that only notes which signals it got."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.signals: list[int] = []

    def kill(self, number: int) -> None:
        self.signals.append(number)


class FakeMaster:
    """The part of a master that its helpers see."""

    def __init__(self, workers: int, living: int, cores: int = 1) -> None:
        self.board = Scoreboard(workers, cores)
        self.workers = [
            Slot(n, f"uWSGI worker {n}", lambda: PLANNED) for n in range(1, workers + 1)
        ]
        self.loop = self
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.renewed: list[int] = []
        self.done: list[str] = []
        self.letters: dict[str, Any] = {}
        self.asleep = self.paused = self.ending = False
        self.goal = "run"
        self.log_order: Any = None
        self.at_pause: list[Any] = []
        self.pids = 100
        for slot in self.workers:
            slot.wanted = slot.number <= living
            if slot.wanted:
                self.spawn_worker(slot)

    def spawn(self, steps: Coroutine[Any, Any, None]) -> None:
        self.spawned.append(steps)

    def spawn_worker(self, slot: Slot) -> None:
        self.pids += 1
        slot.child = FakeChild(self.pids)  # type: ignore[assignment]  # as much as is asked of it
        slot.wanted, slot.planned = True, False
        row = self.board.workers[slot.number - 1]
        row.id, row.pid, row.ready = slot.number, self.pids, 1
        row.respawns += 1

    def living(self, slots: list[Slot]) -> list[Slot]:
        return [slot for slot in slots if slot.child is not None]

    def renew(self, slot: Slot, how: int = 1) -> None:
        slot.planned = True
        slot.send(how)
        self.renewed.append(slot.number)

    def bury(self, number: int) -> None:
        """Let the worker of a slot end."""
        self.workers[number - 1].child = None
        self.board.workers[number - 1].pid = self.board.workers[number - 1].ready = 0

    def signals(self, number: int) -> list[int]:
        """What the process of a slot was sent."""
        child = self.workers[number - 1].child
        assert isinstance(child, FakeChild)
        return child.signals
