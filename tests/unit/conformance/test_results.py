"""From cases to requirements, to a file, to what changed."""

import json
from pathlib import Path

import pytest

from tests.conformance.harness import binary, changes
from tests.conformance.harness.results import Record, Recorder, skipped


@pytest.fixture(autouse=True)
def someone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "name", lambda: "someone-1")
    monkeypatch.setattr(binary, "version", lambda: "1")


def record() -> Record:
    made = Record()
    made.add("a", ["FR-1", "FR-2"], "")
    made.add("b", ["FR-2"], "absent", "no option x")
    made.add("c", ["FR-3"], "beyond", "runs on refuwsgi only")
    made.add("d", ["FR-4"], "skipped", "the kernel: no IPv6")
    made.add("d", ["FR-4"], "")
    return made


def test_a_requirement_is_as_good_as_its_worst_case() -> None:
    assert record().results() == {
        "FR-1": True,
        "FR-2": ["absent", "no option x"],
        "FR-4": ["skipped", "the kernel: no IPv6"],
    }


def test_what_was_skipped_is_not_counted_as_held() -> None:
    assert record().counts() == {"holds": 1, "absent": 1, "skipped": 1, "beyond": 1}


def test_the_worst_phase_of_a_case_counts_until_it_is_run_again() -> None:
    made = record()
    made.add("a", ["FR-1", "FR-2"], "fails", "left a process")
    assert made.results()["FR-1"] == ["fails", "left a process"]
    made.again("a", "")
    assert made.results()["FR-1"] is True


def test_the_file_names_the_cases_that_did_not_hold(tmp_path: Path) -> None:
    made = record()
    made.add("e", ["FR-5"], "differs", "as listed")
    made.write(tmp_path / "new" / "r.json")
    content = json.loads((tmp_path / "new" / "r.json").read_text())
    assert content["binary"] == "someone-1"
    assert list(content["cases"]) == ["e"]


def test_a_part_of_the_suite_changes_a_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text('{"results": {"FR-1": ["fails", "x"], "FR-5": true, "gone": true}}')
    record().write(path, keep=True)
    results = json.loads(path.read_text())["results"]
    assert results["FR-1"] is True
    assert results["FR-5"] is True
    assert "gone" not in results


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("absent: no option x", ("absent", "no option x")),
        ("beyond: runs on refuwsgi only", ("beyond", "runs on refuwsgi only")),
        ("the kernel: no IPv6", ("skipped", "the kernel: no IPv6")),
    ],
)
def test_why_a_case_was_skipped(text: str, outcome: tuple[str, str]) -> None:
    assert skipped(text) == outcome


def report(outcome: str, when: str = "call", **more: object) -> pytest.TestReport:
    made = pytest.TestReport(
        "tests/conformance/x.py::test_y",
        ("x.py", 1, "test_y"),
        {},
        outcome,  # type: ignore[arg-type]
        ("x.py", 1, "Skipped: absent: no option z") if outcome == "skipped" else None,
        when,  # type: ignore[arg-type]
        user_properties=[("covers", ["FR-1"])],
    )
    made.__dict__.update(more)
    return made


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (report("passed"), ""),
        (report("failed"), "fails"),
        (report("failed", longrepr="wrong\nwhole", when="teardown"), "fails"),
        (report("skipped"), "absent"),
        (report("skipped", wasxfail="reason: D-1"), "differs"),
        (report("passed", wasxfail="D-1"), "differs"),
    ],
)
def test_what_pytest_reports_becomes_an_outcome(made: pytest.TestReport, kind: str) -> None:
    recorder = Recorder()
    recorder.pytest_runtest_logreport(made)
    assert recorder.record.cases["x.py::test_y"][0] == kind


def test_a_change_is_told_and_what_could_not_run_is_none() -> None:
    before = {"FR-1": True, "FR-2": ["differs", "x"], "FR-3": True, "FR-4": True, "gone": True}
    now = {"FR-1": ["fails", "y"], "FR-2": ["differs", "z"], "FR-4": ["skipped", "no IPv6"]}
    assert changes.changes(before, now) == [
        "FR-1: recorded holds, this run: fails (y)",
        "FR-3: recorded holds, this run: nothing",
    ]


def test_without_a_file_nothing_is_recorded() -> None:
    assert changes.recorded("nobody-0") == {}
