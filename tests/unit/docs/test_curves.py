"""The simulator's curve beside a real one."""

import json

from docs._ext import curves
from docs._ext.source import ROOT

RECORD = ROOT / "docs" / "results" / "cheaper-curve.json"


def test_both_curves_are_in_the_picture() -> None:
    record = {
        "date": "2026-11-29",
        "machine": "one",
        "algorithm": "spare",
        "options": ["cheaper-overload=1"],
        "most": 3,
        "least": 1,
        "service": 0.5,
        "load": [1, 4, 4, 4],
        "seconds": [[1, 0, 0], [1, 1, 2], [2, 2, 1], [3, 2, 0]],
        "served": 13,
        "longest": 0.5,
        "waited": 0.1,
    }
    drawn = curves.picture(record)
    assert drawn.count("<polyline") == 4
    assert "spare, simulated: 1" in drawn
    assert "spare, a real server: 13 requests, 7 worker seconds" in drawn


def test_the_recorded_run_is_like_the_simulated_one() -> None:
    """Of the same order in what they spend and in what they reach: it is one algorithm."""
    record = json.loads(RECORD.read_text())
    traces, _ = curves.traces_of(record)
    simulated, real = traces.values()
    assert simulated.served == real.served
    assert max(s.workers for s in simulated.seconds) == max(s.workers for s in real.seconds)
    spent = [sum(second.workers for second in trace.seconds) for trace in (simulated, real)]
    assert 0.75 < spent[0] / spent[1] < 1.34
