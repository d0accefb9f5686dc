"""Run pytest; run what failed once more, alone; say plainly which cases were unsteady.

    python tests/again.py [arguments of pytest]

A case that starts servers can fail because the machine was busy for a moment.  Such a failed case
is run again after everything else, without neighbours.  If it passes then, it is listed under
"unsteady cases" and does not fail the run: the list is there to be read and made shorter.
House rules touch neither clock nor network, so their failures count at once.
A run that breaks off, because one of its processes was ended from outside, is taken up once.

With CI=true nothing may be skipped, except for the reasons in ALLOWED: a machine that lacks nginx
must not look as if everything had passed.  A kernel without IPv6 is nobody's fault.  Of another
binary (SUT) nobody promises that it has everything; what it lacks is skipped as absent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, only its own directory is there

if TYPE_CHECKING:
    from tests.conformance.harness.results import Record

STEADY = ("tests/house/",)
MANY = 20  # so many failures are no accident of a busy machine
ALLOWED = ("beyond: runs on refuwsgi only", "the kernel: ", "the record: ")
ALLOWED_OF_OTHERS = (*ALLOWED, "absent: ")
TESTS_FAILED = pytest.ExitCode.TESTS_FAILED
BROKEN_OFF = (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.INTERRUPTED)
SECOND = "REFUWSGI_TAKEN_UP"  # in the environment: this run goes on where another broke off


class Tally:
    """Collects, over all test processes, what failed and what was skipped."""

    def __init__(self) -> None:
        self.failed: dict[str, None] = {}  # a dict keeps the order and drops doubles
        self.skipped: dict[str, str] = {}
        self.uncollected: list[str] = []
        self.collected: dict[str, None] = {}
        self.finished: set[str] = set()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Note what there is to run."""
        self.collected.update(dict.fromkeys(ids))

    def left(self) -> list[str]:
        """What was not run to its end, or failed."""
        return [each for each in self.collected if each not in self.finished or each in self.failed]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of one phase of one case."""
        if report.failed:
            self.failed[report.nodeid] = None
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = reason_of(report)
        if report.when == "teardown":
            self.finished.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not even be read, or that is skipped as a whole."""
        if report.failed:
            self.uncollected.append(report.nodeid)
        elif report.skipped:
            self.skipped[report.nodeid] = reason_of(report)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The words with which a case was skipped."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def forbidden(skipped: dict[str, str]) -> dict[str, str]:
    """The skips that CI does not accept."""
    allowed = ALLOWED_OF_OTHERS if os.environ.get("SUT") else ALLOWED
    return {case: why for case, why in skipped.items() if not why.startswith(allowed)}


def worth_another_try(tally: Tally) -> bool:
    """Whether everything that failed may have failed because the machine was busy."""
    return (
        not tally.uncollected
        and len(tally.failed) <= MANY
        and not any(case.startswith(STEADY) for case in tally.failed)
    )


def passes_alone(cases: list[str], record: Record) -> bool:
    """Run `cases` once more, one after the other, in a fresh process; note how they end now."""
    from tests.conformance.harness import changes

    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "alone.json")
        alone = [sys.executable, "-m", "pytest", "-q", "-n", "0", *cases, "--record", str(file)]
        passed = subprocess.run(alone, check=False).returncode == 0
        ended = changes.content(file).get("cases", {}) if passed else {}
    if not passed:
        return False
    for case in set(map(short, cases)) & set(record.cases):
        record.again(case, *ended.get(case, ("", "")))
    return True


def short(case: str) -> str:
    """The id of a conformance case as results and lists have it."""
    return case.removeprefix("tests/conformance/")


def changed(record: Record) -> list[str]:
    """What a whole run says otherwise than the results in the repository; [] if it says nothing."""
    from tests.conformance.harness import binary, changes

    if not record.cases:
        return []
    return changes.changes(changes.recorded(binary.name()), record.results())


def take_up(cases: list[str]) -> int:
    """Run what a broken run has left, by a run of its own; return its exit status."""
    report_list("the run broke off, what is left is taken up", [f"{len(cases)} cases"])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(cases))
        file.flush()
        words = [sys.executable, __file__, "-n", "2", f"@{file.name}"]
        return subprocess.run(words, env={**os.environ, SECOND: "1"}, check=False).returncode


def report_list(title: str, lines: list[str]) -> None:
    """Print a closing section."""
    print(f"\n==== {title} ({len(lines)}) ====", flush=True)
    for text in lines:
        print(f"    {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Run everything, then the failed ones again; return the exit status."""
    from tests.conformance.harness.results import Recorder

    tally, recorder = Tally(), Recorder()
    status = int(pytest.main(["-q", *arguments], plugins=[tally, recorder]))
    if status == TESTS_FAILED and worth_another_try(tally):
        cases = list(tally.failed)
        report_list("failed beside others, now alone", cases)
        if passes_alone(cases, recorder.record):
            status = 0
            report_list("unsteady cases: failed once, passed alone", cases)
    elif status in BROKEN_OFF and SECOND not in os.environ and (cases := tally.left()):
        return take_up(cases) or refuse("skipped, but CI has to run them", told(tally.skipped))
    return last_word(status, tally, recorder.record)


def last_word(status: int, tally: Tally, record: Record) -> int:
    """Write the results where they are asked for; hold them against the committed ones in CI."""
    if os.environ.get("RECORD") and record.cases:
        from tests.conformance.harness import binary

        record.write(ROOT / "docs" / "results" / f"{binary.name()}.json", keep=True)
    status = refuse("skipped, but CI has to run them", told(tally.skipped)) or status
    if SECOND in os.environ or os.environ.get("CI") != "true":
        return status
    title = "results changed, but docs/results does not say so (RECORD=1 makes it)"
    return refuse(title, changed(record)) or status


def told(skipped: dict[str, str]) -> list[str]:
    """The skips that CI does not accept, as lines; none outside of CI."""
    if os.environ.get("CI") != "true":
        return []
    return [f"{case}: {why}" for case, why in forbidden(skipped).items()]


def refuse(title: str, lines: list[str]) -> int:
    """Print what is not accepted; 1 if there is something."""
    if lines:
        report_list(title, lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
