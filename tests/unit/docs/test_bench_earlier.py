"""Other runs beside the last one: an earlier version, which is no rival, and another machine."""

from typing import Any

from docs._ext import bench


def figure(median: float, ratio: float | None = None) -> dict[str, Any]:
    return {"cpu_us": {"median": median, "spread": 0.5, "ratio": ratio}}


def run(**figures: dict[str, Any]) -> dict[str, Any]:
    rows = [{"name": "keys-10", "what": "hello", "metric": "cpu_us", "figures": figures}]
    told = {"date": "today", "machine": "this", "rounds": 1, "earlier": "then", "goals": []}
    return {**told, "scenarios": rows}


def test_then_and_now() -> None:
    found = "\n".join(bench.earlier_of(run(refuwsgi=figure(8.0), earlier=figure(16.0, 0.5))))
    assert "Earlier is the version of then." in found
    assert found.index("16 ±") < found.index("8 ±") < found.index("0.50")


def test_it_is_not_among_the_rivals() -> None:
    both = run(refuwsgi=figure(8.0), earlier=figure(16.0, 0.5))
    assert not any("earlier" in line for line in bench.lines_of(both))
    assert bench.curve_of(both, "keys") == ("cpu_us", {"refuwsgi": [(10.0, 8.0)]})


def test_a_run_without_it_says_so() -> None:
    alone = run(refuwsgi=figure(8.0))
    assert bench.earlier_of(alone) == ["No run has been recorded with an earlier version."]


def test_other_runs_have_columns() -> None:
    goal = {"scenario": "s1", "metric": "m", "goal": 1, "moonshot": 0.5, "against": "uwsgi"}
    here = {"goals": [{**goal, "now": 1.5, "verdict": "missed"}]}
    there = {"goals": [{**goal, "now": 0.75, "verdict": "goal"}]}
    runs: list[tuple[dict[str, Any], list[str]]] = [
        ({}, []),
        ({"there": there}, ["0.75"]),
        ({"nowhere": {"goals": []}, "there": there}, ["", "0.75"]),
    ]
    for beside, last in runs:
        found = [line.strip(" *-") for line in bench.goals_of(here, beside)]
        row = ["s1", "m", "uwsgi", "1.50", "1.00", "0.50", "missed", *last]
        assert found[-len(row) :] == row
        assert list(beside) == found[-2 * len(row) :][: len(row)][7:]


def test_a_machine_is_told_by_what_it_costs() -> None:
    plain = run(refuwsgi=figure(8.0))
    assert bench.machine_of(plain) == "today: this, 1 rounds"
    told = bench.machine_of({**plain, "references": {"kernel_us": 17.0, "python_us": 5.2}})
    assert "17.0 us" in told
    assert "5.2 us" in told
