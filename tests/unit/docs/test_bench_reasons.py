"""Every figure that falls short of its moonshot has a reason, and three attempts."""

from docs._ext import bench


def test_each_has_its_reason_and_attempts() -> None:
    run = bench.recorded()
    assert run is not None
    known = [name for each in bench.reasons() for name in each["figures"]]
    assert len(known) == len(set(known))
    assert sorted(set(bench.short_of(run)) - set(known)) == []
    for each in bench.reasons():
        assert each["why"].strip()
        assert len(each["tried"]) >= 3


def test_the_original_goes_before_other_rivals() -> None:
    def goal(against: str, now: float, verdict: str) -> dict[str, object]:
        return {"scenario": "s1", "metric": "m", "against": against, "now": now, "moonshot": 1.0,
                "verdict": verdict}  # fmt: skip

    goals = [goal("uwsgi", 1.5, "goal"), goal("waitress", 0.2, "goal"), goal("x", 0.1, "moonshot")]
    assert bench.short_of({"goals": goals}) == {"s1 m": "1.50 (moonshot 1)"}
