"""An earlier version in the bench has a table of its own, and is no rival."""

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
