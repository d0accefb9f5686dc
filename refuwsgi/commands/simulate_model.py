"""The model behind `refuwsgi simulate`: a queue, workers with cores, and a clock that is counted.

Section: ground / the command; the model of simulate
What: every second of the load is walked through event by event: requests come evenly spaced, a core
      that is free takes the oldest, and gives it back after the service time.  At the end of each
      second the algorithm is asked, as the master asks it once a cycle.
Units: seconds; `running` is microseconds, as on the scoreboard.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from refuwsgi.scaling.cheaper_algorithms import Algorithm, Seen


class Setup(NamedTuple):
    """What the load meets."""

    most: int
    least: int
    cores: int
    service: float


class Second(NamedTuple):
    """What was so at the end of a second."""

    workers: int
    busy: int
    queue: int


class Trace(NamedTuple):
    """What came of it."""

    seconds: list[Second]
    served: int
    longest: float  # that a request waited for a core
    waited: float  # on the average


class Worker:
    """A process that serves."""

    __slots__ = ("busy", "number", "running")

    def __init__(self, number: int) -> None:
        self.number = number
        self.busy = 0  # cores in a request
        self.running = 0  # microseconds in requests that have ended


class Model:
    """The queue and the workers at one moment."""

    def __init__(self, setup: Setup, first: int) -> None:
        self.setup = setup
        self.workers = [Worker(number) for number in range(1, first + 1)]
        self.waiting: deque[float] = deque()  # when each came
        self.waits: list[float] = []
        self._ends: list[tuple[float, int, Worker]] = []
        self._count = 0

    def walk(self, begin: float, arrivals: Sequence[float]) -> None:
        """Let one second pass."""
        for moment in arrivals:
            self._end_until(moment)
            self.waiting.append(moment)
            self._take(moment)
        self._end_until(begin + 1.0)

    def _end_until(self, moment: float) -> None:
        while self._ends and self._ends[0][0] <= moment:
            now, _, worker = heapq.heappop(self._ends)
            worker.busy -= 1
            worker.running += round(self.setup.service * 1_000_000)
            self._take(now)

    def _take(self, now: float) -> None:
        """Give what waits to the cores that are free."""
        while self.waiting:
            worker = min(self.workers, key=lambda each: each.busy)
            if worker.busy >= self.setup.cores:
                return
            self.waits.append(now - self.waiting.popleft())
            worker.busy += 1
            self._count += 1
            heapq.heappush(self._ends, (now + self.setup.service, self._count, worker))

    def change(self, wanted: int, now: float) -> None:
        """Start or stop workers; one that is busy is never stopped."""
        for _ in range(max(0, min(wanted, self.setup.most - len(self.workers)))):
            taken = {worker.number for worker in self.workers}
            number = next(n for n in range(1, self.setup.most + 1) if n not in taken)
            self.workers.append(Worker(number))
        for _ in range(max(0, min(-wanted, len(self.workers) - 1))):
            idle = [worker for worker in self.workers if not worker.busy]
            if idle:
                self.workers.remove(idle[0])
        self._take(now)

    def seen(self) -> Seen:
        """What the master would see."""
        return Seen(
            live=len(self.workers),
            busy=sum(worker.busy > 0 for worker in self.workers),
            most=self.setup.most,
            least=self.setup.least,
            queue=len(self.waiting),
            running=[worker.running for worker in self.workers],
            in_request=[worker.busy > 0 for worker in self.workers],
            numbers=[worker.number for worker in self.workers],
        )


def simulate(algorithm: Algorithm, load: Sequence[float], setup: Setup, first: int = 1) -> Trace:
    """Replay a load."""
    model = Model(setup, first)
    seconds = []
    owed = 0.0  # of a request, from the seconds before
    for begin, rate in enumerate(load):
        owed = round(owed + rate, 6)
        count = int(owed)
        owed -= count
        model.walk(begin, [begin + place / count for place in range(count)])
        seen = model.seen()
        model.change(algorithm.decide(seen, begin + 1.0), begin + 1.0)
        seconds.append(Second(len(model.workers), seen.busy, len(model.waiting)))
    end = len(load)
    waits = model.waits + [end - since for since in model.waiting]
    average = sum(waits) / len(waits) if waits else 0.0
    return Trace(seconds, len(model.waits), max(waits, default=0.0), average)
