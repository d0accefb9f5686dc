"""The suite below the command: where it lies, and how pytest is called for it.

What: pytest runs in this process (and in those that it starts for -n); what it prints itself is
      kept to nothing, so that the command's own lines are all that a reader sees.
"""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness.selection import Case, unknown

from .status import NOTHING, Trouble

CASES = Path(__file__).resolve().parent.parent
ROOT = CASES.parent.parent
SETTINGS = (ROOT / "suite.ini", ROOT / "tests" / "suite" / "suite.ini")
QUIET = ("-qq", "--no-header", "--no-summary", "-rN", "--tb=short", "--color=no")
BROKEN = (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


def places(selection: Sequence[str]) -> list[str]:
    """The files and directories that a selection needs: all, unless its words are their names."""
    found = {CASES / word.partition("::")[0] for word in selection}
    return sorted(map(str, found)) if found and all(p.exists() for p in found) else [str(CASES)]


def call(words: Sequence[str], selection: Sequence[str], *plugins: Any) -> int:
    """Run pytest on what is selected of the suite, with these words more; its exit status."""
    settings = next(path for path in SETTINGS if path.exists())
    place = ["-c", str(settings), "--rootdir", str(ROOT), "--confcutdir", str(ROOT / "tests")]
    printed = io.StringIO()
    words = [*QUIET, *words, *(f"--select={word}" for word in selection), *places(selection)]
    with contextlib.redirect_stdout(printed):
        status = int(pytest.main([*place, *words], plugins=list(plugins)))
    if status in BROKEN:
        told = printed.getvalue().strip().splitlines() or ["pytest did not begin"]
        raise Trouble(f"the suite broke: {told[-1]}", NOTHING)
    return status


class Collector:
    """A plugin that keeps what was collected, as cases, and runs nothing."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the cases."""
        for item in session.items:
            known: Any = item.config.pluginmanager.get_plugin(str(CASES / "conftest.py"))
            self.cases.append(known.case_of(item))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run nothing."""
        return True


def collected(selection: Sequence[str], profile: str | None) -> list[Case]:
    """The cases of a selection, without asking any binary; each word has to name one at least."""
    found = _collected(selection, profile)
    if unknown(selection, found) and (wrong := unknown(selection, _collected((), None))):
        raise Trouble(f"{wrong[0]!r} names no case (`refuwsgi-conformance list` shows them)")
    return found


def _collected(selection: Sequence[str], profile: str | None) -> list[Case]:
    keeper = Collector()
    words = ["--collect-only", *([f"--profile={profile}"] if profile else [])]
    call(words, selection, keeper)
    return keeper.cases
