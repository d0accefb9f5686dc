"""The result of a run: case by case while it goes on, requirement by requirement in the file.

What: a requirement is as good as its worst case: true, or [kind, note] with kind one of "fails",
      "setup", "harness", "differs" (a known difference), "absent" (the binary lacks an option),
      "skipped" (the machine lacks something).  What was skipped never counts as passed.
      The file also holds the counts of the cases, and every case that was judged and did not hold.
"""

import datetime
import json
import platform
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from . import binary, changes
from .requirements import requirements

WORST_FIRST = ("fails", "setup", "harness", "differs", "absent", "skipped", "beyond")
FAULTS = ("fails", "setup", "harness")
PLACE = "tests/conformance/"

Outcome = tuple[str, str]
"""Kind ("" when it held) and note."""


class Record:
    """Collects outcomes of cases and writes the file."""

    def __init__(self) -> None:
        self.cases: dict[str, Outcome] = {}
        self.covers: dict[str, list[str]] = {}

    def add(self, case: str, requirements: Iterable[str], kind: str, note: str = "") -> None:
        """Add the outcome of one phase of a case; kind is "" when it held; the worst is kept."""
        self.covers[case] = list(requirements)
        new = (kind, note)
        self.cases[case] = min(self.cases.get(case, new), new, key=_rank)

    def again(self, case: str, kind: str, note: str = "") -> None:
        """Replace the outcome of a case: it was run once more, alone."""
        self.cases[case] = (kind, note)

    def results(self) -> dict[str, Any]:
        """Requirement -> true or [kind, note]."""
        found: dict[str, list[Outcome]] = {}
        for case, outcome in self.cases.items():
            if outcome[0] != "beyond":
                for requirement in self.covers[case]:
                    found.setdefault(requirement, []).append(outcome)
        return {key: _told(min(found[key], key=_rank)) for key in sorted(found, key=_natural)}

    def counts(self) -> dict[str, int]:
        """How many cases ended in which way."""
        found = Counter(kind or "holds" for kind, _ in self.cases.values())
        return {kind: found[kind] for kind in ("holds", *WORST_FIRST) if found[kind]}

    def content(self) -> dict[str, Any]:
        """What the file holds."""
        return {
            "binary": binary.name(),
            "version": binary.version(),
            "platform": f"{platform.platform()}, Python {platform.python_version()}",
            "date": datetime.date.today().isoformat(),
            "counts": self.counts(),
            "results": self.results(),
            "cases": {
                case: list(outcome)
                for case, outcome in sorted(self.cases.items())
                if outcome[0] not in ("", "beyond", "absent", "skipped")
            },
        }

    def write(self, path: Path, keep: bool = False) -> None:
        """Write the file; with `keep`, what this run did not judge stays as the file has it."""
        content = self.content()
        if keep:
            content["results"] = {**_still_asked(path), **content["results"]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


class Recorder:
    """A pytest plugin that records the outcome of every case of the suite."""

    def __init__(self) -> None:
        self.record = Record()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the outcome of one phase of one case."""
        covered: Any = dict(report.user_properties).get("covers")
        if covered is None:
            return
        case = report.nodeid.partition(PLACE)[2]
        if (outcome := outcome_of(report)) is not None:
            self.record.add(case, covered, *outcome)


def _still_asked(path: Path) -> dict[str, Any]:
    """The results of a file whose requirements there still are."""
    found = changes.content(path).get("results", {})
    return {name: result for name, result in found.items() if name in requirements()}


def outcome_of(report: pytest.TestReport) -> Outcome | None:
    """What one phase of a case says about it; None if nothing yet."""
    reason = getattr(report, "wasxfail", None)
    if reason is not None:
        return "differs", str(reason).removeprefix("reason: ")
    if report.failed:
        return str(dict(report.user_properties).get("kind", "fails")), _last_line(report)
    if report.skipped:
        text = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        return skipped(text.removeprefix("Skipped: "))
    return ("", "") if report.when == "call" else None


def skipped(text: str) -> Outcome:
    """The outcome of a case that was skipped, by the words that say why."""
    head, _, rest = text.partition(": ")
    return (head, rest) if head in ("absent", "beyond") else ("skipped", text)


def _last_line(report: pytest.TestReport) -> str:
    """The error in one line, without what changes from run to run."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return " ".join(text.split("\n")[0].split())[:160]


def _rank(outcome: Outcome) -> int:
    return WORST_FIRST.index(outcome[0]) if outcome[0] in WORST_FIRST else len(WORST_FIRST)


def _told(outcome: Outcome) -> Any:
    return list(outcome) if outcome[0] else True


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in key.split("-")]
