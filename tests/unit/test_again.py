"""What fails once may be tried again, and what is skipped may count as failed."""

import pytest

from tests import again
from tests.conformance.harness import changes, results


def tally(*failed: str, uncollected: tuple[str, ...] = ()) -> again.Tally:
    made = again.Tally()
    made.failed = dict.fromkeys(failed)
    made.uncollected = list(uncollected)
    return made


@pytest.mark.parametrize(
    ("failed", "worth"),
    [
        (["tests/conformance/a.py::test_x"], True),
        (["tests/tutorial/a.py::test_x", "tests/integration/a.py::test_y"], True),
        (["tests/unit/a.py::test_x"], True),
        (["tests/conformance/a.py::test_x", "tests/house/a.py::test_y"], False),
        ([f"tests/conformance/a.py::test_x[{n}]" for n in range(21)], False),
    ],
)
def test_only_what_starts_servers_is_tried_again(failed: list[str], worth: bool) -> None:
    assert again.worth_another_try(tally(*failed)) is worth


def test_a_file_that_cannot_be_read_is_not_tried_again() -> None:
    made = tally("tests/conformance/a.py::test_x", uncollected=("tests/conformance/b.py",))
    assert not again.worth_another_try(made)


def test_ci_accepts_only_skips_that_are_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped = {
        "a": "beyond: runs on refuwsgi only",
        "b": "no nginx here",
        "c": "absent: no option x",
        "d": "the kernel: no IPv6",
    }
    monkeypatch.setenv("SUT", "")
    assert list(again.forbidden(skipped)) == ["b", "c"]
    monkeypatch.setenv("SUT", "/usr/bin/uwsgi")
    assert list(again.forbidden(skipped)) == ["b"]


def test_what_a_broken_run_has_left_is_what_did_not_end_well() -> None:
    made = again.Tally()
    made.pytest_xdist_node_collection_finished(ids=["a", "b", "c"])
    made.finished.update(("a", "b"))
    made.failed["b"] = None
    assert made.left() == ["b", "c"]


def recorded(**cases: tuple[str, str]) -> results.Record:
    made = results.Record()
    for number, (case, outcome) in enumerate(cases.items(), 1):
        made.add(case, [f"FR-{number}"], *outcome)
    return made


def test_a_result_that_changes_without_a_commit_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changes, "recorded", lambda name: {"FR-1": True, "FR-2": ["differs", "x"]})
    run = recorded(a=("", ""), b=("", ""))
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("RECORD", raising=False)
    assert again.last_word(0, again.Tally(), run) == 1
    assert "FR-2: recorded differs, this run: holds" in capsys.readouterr().out
    monkeypatch.setenv("CI", "false")
    assert again.last_word(0, again.Tally(), run) == 0


def test_a_case_that_passed_alone_counts_as_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "recorded", lambda name: {"FR-1": True})
    monkeypatch.setattr("subprocess.run", lambda *args, **more: Passed)
    run = recorded(a=("fails", "a busy machine"))
    assert again.passes_alone(["tests/conformance/a"], run)
    assert again.changed(run) == []


class Passed:
    returncode = 0


def test_a_run_without_a_conformance_case_changes_nothing() -> None:
    assert again.changed(results.Record()) == []
