"""Which cases are run: by document, section, requirement, case, and by profile.

What: a word is a document (`scaling`), a section (`fastrouter / Notes`, or `notes`), a requirement
      (`FR-14`), a file or a case (`scaling/test_log.py::test_...`); a star stands for anything.
      A profile holds the kinds up to its own: required, observed, beyond.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .requirements import requirements

PROFILES = ("required", "observed", "beyond")


class Case(NamedTuple):
    """A case as a selection sees it: its short id, requirements with the kinds they have in it."""

    id: str
    covered: list[tuple[str, str]]

    @property
    def kind(self) -> str:
        """The furthest of its kinds for which a profile must have been asked."""
        kinds = [kind for _, kind in self.covered] or ["observed"]
        return "beyond" if "beyond" in kinds else min(kinds, key=PROFILES.index)

    @property
    def sections(self) -> list[str]:
        """The sections of its requirements."""
        rows = (requirements().get(name, {}) for name, _ in self.covered)
        return list(dict.fromkeys(str(row.get("section", "")) for row in rows))


def same(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says; a star stands for anything, case counts for nothing.

    Brackets mean themselves: cases have them in their ids.
    """
    expression = ".*".join(map(re.escape, pattern.lower().split("*")))
    return re.fullmatch(expression, text.lower()) is not None


def named(case: Case, word: str) -> bool:
    """Whether a word names the case."""
    path, _, _ = case.id.partition("::")
    bare, _, _ = case.id.partition("[")
    names = [case.id, bare, path, path.partition("/")[0]]
    names += [name for name, _ in case.covered]
    for section in case.sections:
        names += [section, section.partition(" / ")[2]]
    return any(same(word.removesuffix("/"), name) for name in names if name)


def wanted(case: Case, words: Sequence[str], profile: str) -> bool:
    """Whether a run with these words and this profile holds the case."""
    if profile and PROFILES.index(case.kind) > PROFILES.index(profile):
        return False
    return not words or any(named(case, word) for word in words)


def unknown(words: Iterable[str], cases: Sequence[Case]) -> list[str]:
    """The words that name no case at all: mistyped, most likely."""
    return [word for word in words if not any(named(case, word) for case in cases)]
