"""Whether a scenario has become much dearer than it was: a bench so short that CI runs it.

What: refuwsgi and the C uWSGI take turns, and the median of their rounds' ratios may be MARGIN
      times the goal.  A machine that is busy tells little in a short time, so a scenario that
      seems too dear is looked at again, longer each time, and the best look counts: a real loss
      of speed shows in all of them.
Errors: Silent when the two did not answer enough requests to compare them, in no look.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable

from tests.bench import judge
from tests.bench.stage import Figures

MARGIN = 1.75
ROUNDS = 3
LOOKS = (0.2, 0.6, 1.2)  # seconds of load in each of its rounds
FEW = 20  # requests in a round that say nothing

Look = Callable[[float], Iterable[tuple[Figures, Figures]]]  # seconds -> ours and theirs


class Silent(RuntimeError):
    """Nothing was answered that could be compared."""


def bar(scenario: str) -> float:
    """What the ratio may be."""
    (goal,) = (
        each["goal"]
        for each in judge.goals()
        if (each["scenario"], each["metric"], each["vs"]) == (scenario, "cpu_us", judge.ORIGINAL)
    )
    return MARGIN * float(goal)


def ratio(rounds: Iterable[tuple[Figures, Figures]], seconds: float) -> float | None:
    """The median ratio of the rounds in which both have answered."""
    found = [
        ours["cpu_us"] / theirs["cpu_us"]
        for ours, theirs in rounds
        if min(ours["req_rate"], theirs["req_rate"]) * seconds >= FEW and theirs["cpu_us"]
    ]
    return statistics.median(found) if found else None


def lowest(look: Look, enough: float) -> float:
    """The lowest ratio of a few looks, of which the first that is low enough is the last."""
    best = math.inf
    for seconds in LOOKS:
        best = min(best, ratio(look(seconds), seconds) or math.inf)
        if best <= enough:
            break
    if best == math.inf:
        raise Silent("too few requests were answered")
    return best
