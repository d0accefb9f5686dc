"""What a run prints: its progress, every failure in full, the sums at the end."""

import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conformance.harness.results import FAULTS, PLACE, Recorder

STEP = 100
ADVICE = "Use -v to get more diff"
"""What pytest says to those who call it themselves; the whole of a big difference takes minutes."""

SUMS = ("holds", "differs", "fails", "setup", "harness", "absent", "skipped", "beyond")
WORDS = {
    "holds": "held",
    "differs": "differ as listed",
    "fails": "failed",
    "setup": "did not get to where they begin",
    "harness": "broke the suite",
    "absent": "not judged: the binary lacks an option, or what goes with it",
    "skipped": "not judged: the machine lacks something",
    "beyond": "not asked: refuwsgi's own",
}


class Teller(Recorder):
    """A pytest plugin that records outcomes and tells about them."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.broken: list[str] = []
        self._quiet = quiet
        self._out = sys.stdout  # pytest, which runs below, has another one meanwhile
        self._ended = 0
        self._all = 0
        self._began = time.monotonic()

    def begin(self, name: str, command: Sequence[str], profile: str) -> None:
        """Say what is judged."""
        if not self._quiet:
            self._say(f"judging {name} ({shlex.join(command)}), profile {profile}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note how many cases there are."""
        self._all = self._all or len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note it where other processes have collected them."""
        self._all = len(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a phase of a case; keep what a failure says."""
        super().pytest_runtest_logreport(report)
        case = report.nodeid.partition(PLACE)[2]
        if report.failed:
            self.texts[case] = text_of(report)
        if report.when == "teardown":
            self._ended += 1
            self._progress(case)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not even be read."""
        if report.failed:
            self.broken.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Keep that a process of the suite has died."""
        if error:
            self.broken.append(f"a process of the suite ended: {error}")

    def _say(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._out, flush=True)

    def _progress(self, case: str) -> None:
        if self._quiet:
            return
        if self._out.isatty():
            self._say(f"\r\033[K{self._ended} of {self._all}  {case[:65]}", end="")
        elif self._ended % STEP == 0:
            seconds = time.monotonic() - self._began
            self._say(f"... {self._ended} of {self._all} cases in {seconds:.0f} s")

    def end(self, unsteady: Sequence[str]) -> None:
        """Print every failure, then the sums."""
        if self._out.isatty() and not self._quiet:
            self._say("\r\033[K", end="")
        if not self._quiet:
            for case, (kind, _) in self.record.cases.items():
                if kind in FAULTS or case in unsteady:
                    once = " (held when it was run again, alone)" if case in unsteady else ""
                    self._say(f"\n{'=' * 8} {case}{once}\n{self.texts.get(case, '')}")
        if unsteady:
            self._say(f"\n{len(unsteady)} unsteady: failed beside others, held alone")
            for case in unsteady:
                self._say(f"    {case}")
        self._say("\n".join(["", *self.sums()]))

    def sums(self) -> list[str]:
        """How many cases and requirements ended in which way."""
        counts = self.record.counts()
        seconds = time.monotonic() - self._began
        lines = [f"{len(self.record.cases)} cases in {seconds:.0f} s"]
        lines += [f"{counts[kind]:6} {WORDS[kind]}" for kind in SUMS if counts.get(kind)]
        results = self.record.results()
        kinds = Counter("holds" if r is True else r[0] for r in results.values())
        held = f"{kinds['holds']} of {len(results)} requirements hold"
        return [*lines, ", ".join([held, *(f"{kinds[k]} {k}" for k in SUMS[1:] if kinds[k])])]


def text_of(report: pytest.TestReport) -> str:
    """A failure with everything that a reader needs."""
    pieces = []
    for title, content in report.sections:
        if not title.startswith("Captured"):
            pieces.append(f"-- {title}\n{content}")
    told = [line for line in report.longreprtext.splitlines() if ADVICE not in line]
    pieces.insert(1, "\n".join(["-- what happened", *told]))
    return "\n".join(pieces)
