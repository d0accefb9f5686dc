"""The gate on costs: it lets a bad moment pass, and no loss of speed."""

from collections.abc import Iterator

import pytest

from tests.bench import gate
from tests.bench.stage import Figures

Pair = tuple[Figures, Figures]


def figures(cpu: float, rate: float = 1000.0) -> Figures:
    return {"cpu_us": cpu, "req_rate": rate}


def looks(*costs: float) -> gate.Look:
    """Each look finds us at the next of these costs, beside an original of 10."""
    left = iter(costs)

    def look(seconds: float) -> Iterator[Pair]:
        cost = next(left)
        yield from [(figures(cost), figures(10.0))] * gate.ROUNDS

    return look


def test_the_bar_is_well_above_the_goal() -> None:
    assert gate.bar("s1") == pytest.approx(1.75 * 1.35)
    with pytest.raises(ValueError, match="not enough values"):
        gate.bar("s99")


def test_what_is_dear_in_every_look_is_dear() -> None:
    assert gate.lowest(looks(40.0, 35.0, 50.0), 2.7) == pytest.approx(3.5)


def test_one_good_look_is_enough_and_the_last() -> None:
    assert gate.lowest(looks(20.0), 2.7) == pytest.approx(2.0)
    assert gate.lowest(looks(90.0, 90.0, 20.0), 2.7) == pytest.approx(2.0)


def test_a_median_does_not_mind_one_bad_round() -> None:
    pairs = [(figures(cost), figures(10.0)) for cost in (20.0, 900.0, 22.0)]
    assert gate.ratio(pairs, 1.0) == pytest.approx(2.2)


def test_rounds_without_answers_say_nothing() -> None:
    idle = (figures(20.0), figures(9000.0, rate=1.0))
    assert gate.ratio([idle, (figures(30.0), figures(10.0))], 1.0) == pytest.approx(3.0)
    with pytest.raises(gate.Silent):
        gate.lowest(lambda _: [idle], 2.7)
