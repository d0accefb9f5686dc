"""`list`: the cases, requirements and sections of a selection; nothing is run, no binary asked."""

import argparse
from collections.abc import Iterator

from tests.conformance.harness.requirements import requirements
from tests.conformance.harness.selection import Case

from . import suite
from .status import HELD


def show(chosen: argparse.Namespace) -> int:
    """Print what was asked for."""
    cases = suite.collected(chosen.selection, chosen.profile)
    makers = {"cases": of_cases, "requirements": of_requirements, "sections": of_sections}
    for line in makers[chosen.what](cases):
        print(line)
    return HELD


def of_cases(cases: list[Case]) -> Iterator[str]:
    """One line for each case: kind, id, requirements."""
    for case in cases:
        names = " ".join(name for name, _ in case.covered)
        yield f"{case.kind:<9} {case.id}  {names}"
    yield f"{len(cases)} cases"


def of_requirements(cases: list[Case]) -> Iterator[str]:
    """One line for each requirement that the cases cover: kind, name, section, sentence."""
    found = {name: None for case in cases for name, _ in case.covered}
    rows = [(name, row) for name, row in requirements().items() if name in found]
    for name, row in rows:
        yield f"{row['kind']:<9} {name:<7} [{row['section']}] {row['text']}"
    yield f"{len(rows)} requirements"


def of_sections(cases: list[Case]) -> Iterator[str]:
    """One line for each section: its name, requirements, cases."""
    counted: dict[str, tuple[set[str], set[str]]] = {}
    for case in cases:
        for name, _ in case.covered:
            section = str(requirements().get(name, {}).get("section", ""))
            names, ids = counted.setdefault(section, (set(), set()))
            names.add(name)
            ids.add(case.id)
    for section, (names, ids) in sorted(counted.items()):
        yield f"{section:<62} {len(names):>3} requirements {len(ids):>4} cases"
    yield f"{len(counted)} sections"
