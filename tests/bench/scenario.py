"""What a scenario is: a name as in the tables, what happens, the figures; below 1 is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.bench.rivals import System
from tests.bench.stage import Figures, Stage

Measure = Callable[[], Figures]
SetUp = Callable[[Stage, System], Measure | None]  # None: this system does not take part

COMMON = ("--master", "--disable-logging", "--need-app", "--listen", 1024)


class Scenario(NamedTuple):
    """One row of the table; `metric` is the figure that is named first."""

    name: str
    what: str
    set_up: SetUp
    metric: str = "cpu_us"
    alone: bool = False  # start the system anew for each round
    peers: tuple[str, ...] = ()  # those of them that take part
