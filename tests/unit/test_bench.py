"""What the bench makes of its figures, and what its clients send."""

import sys
from typing import Any

from refuwsgi.protocol.uwsgi import environ_of
from tests.bench import judge, rivals, wire
from tests.bench.__main__ import SCENARIOS, renewed


def test_ratios_are_those_of_neighbouring_rounds() -> None:
    found = judge.summed({"refuwsgi": {"us": [2.0, 6.0, 5.0]}, "uwsgi": {"us": [1.0, 2.0, 0.0]}})
    assert found["uwsgi"]["us"] == {"median": 1.0, "spread": 0.5, "ratio": 2.5}
    assert found["refuwsgi"]["us"]["ratio"] is None


def of(results: dict[str, judge.Found], scenario: str, metric: str) -> dict[str, Any]:
    reached = [each for each in judge.judged(results) if each["scenario"] == scenario]
    return {each["against"]: each["verdict"] for each in reached if each["metric"] == metric}


def test_goals_are_judged_against_whom_they_name() -> None:
    figures: dict[str, list[float]] = {
        "refuwsgi": [1.2],
        "uwsgi": [1.0],
        "wsgiref": [9.0],
        "cheroot": [8.0],
        "nginx": [1.0],
    }
    found = {system: {"cpu_us": rounds} for system, rounds in figures.items()}
    assert of({"s1": found}, "s1", "cpu_us") == {"uwsgi": "goal", "cheroot": "moonshot"}
    assert of({"s12": {"refuwsgi": {"failed": [1.0]}}}, "s12", "failed") == {"": "missed"}
    keys = {f"s9-{count}": {"refuwsgi": {"cpu_us": [2.0]}} for count in (100, 100_000)}
    assert of(keys, "s9-100000", "cpu_us") == {"self@s9-100": "moonshot"}


def test_every_goal_has_a_scenario() -> None:
    assert {goal["scenario"] for goal in judge.goals()} <= {each.name for each in SCENARIOS}


def test_a_table_names_what_was_reached() -> None:
    found = {"refuwsgi": {"cpu_us": [1.0], "p99_us": [1000.0]}, "nginx": {"cpu_us": [2.0]}}
    row = {"name": "s1", "what": "hello", "metric": "cpu_us", "figures": judge.summed(found)}
    lines = list(judge.rows(row))
    assert lines[0].split() == ["s1", "hello"]
    assert "p99_us 1,000" in lines[1]
    assert "x0.50" in lines[2]
    assert "moonshot" in next(judge.table([]))


def test_requests_differ() -> None:
    assert len(set(wire.many_http())) > 900
    packets = wire.many_packets("example.com")
    assert len(set(packets)) > 900
    assert environ_of(packets[0][4:])["HTTP_HOST"] == "example.com"
    assert wire.frames([b"ab"]) == b"\2\0\0\0ab"


def test_a_run_of_a_part_renews_that_part_of_the_record() -> None:
    def run(machine: str, now: float, *names: str) -> dict[str, Any]:
        goals = [{"scenario": name, "metric": "m", "goal": 1, "now": now} for name in names]
        return {"machine": machine, "scenarios": [{"name": n} for n in names], "goals": goals}

    found = renewed(run("old", 2.0, "s1", "s2"), run("new", 1.0, "s2"))
    assert found["machine"] == "new; of earlier runs: s1 (old)"
    assert [row["name"] for row in found["scenarios"]] == ["s1", "s2"]
    assert [goal["now"] for goal in found["goals"]] == [2.0, 1.0]
    before = run("old", 2.0, "s1", "s2")
    before["goals"].pop()
    found = renewed(before, run("new", 1.0, "s2"))
    assert [goal["scenario"] for goal in found["goals"]] == ["s1", "s2"]


def test_a_record_of_which_a_little_was_renewed_keeps_its_description() -> None:
    def run(machine: str, rounds: int, *names: str) -> dict[str, Any]:
        rows = [{"name": name} for name in names]
        return {"machine": machine, "rounds": rounds, "scenarios": rows, "goals": []}

    before = {**run("this, load 0", 5, "s1", "s2", "s3"), "earlier": "then"}
    told = "this, load 0; of a later run of 7 rounds: s2"
    found = renewed(before, run("this, load 1", 7, "s2"))
    assert (found["machine"], found["rounds"], found["earlier"]) == (told, 5, "then")
    assert renewed(before, run("that, load 1", 7, "s2"))["machine"] == f"{told} (that, load 1)"


def test_an_earlier_version_takes_part() -> None:
    names = [system.name for system in rivals.everybody(peers=False, earlier=sys.executable)]
    assert names[:2] == ["refuwsgi", "earlier"]
    assert rivals.dated(sys.executable)


def test_gunicorn_alone_speaks_uwsgi() -> None:
    command = rivals.gunicorn_uwsgi("gunicorn-gthread", "hello", "/s") or []
    assert command[-1] == "hello:application"
    assert "gthread" in command
    assert rivals.gunicorn_uwsgi("waitress", "hello", "/s") is None
