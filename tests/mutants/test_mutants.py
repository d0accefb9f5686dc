"""Every mutant is caught, by the cases that it names, and by what they claim."""

import pytest

from docs._ext import source
from tests.mutants import run
from tests.mutants.shelf import Mutant, mutants

PATIENCE = 5.0  # seconds for what a wrong server never does
EVERY = pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
LEAST = 45


@EVERY
@pytest.mark.timeout(600)  # two runs inside, which have limits of their own
def test_the_suite_catches(mutant: Mutant) -> None:
    found, printed = run.outcomes(mutant, mutant.cases, PATIENCE)
    if not caught(mutant, found):
        # A machine that is busy may need all the patience that the suite has.
        found, printed = run.outcomes(mutant, mutant.cases)
    assert caught(mutant, found), f"{found}\n{printed}\n{run.start_of(mutant)}"


def caught(mutant: Mutant, found: dict[str, str]) -> bool:
    """Whether each of its cases fails; of one with parameters, at least one row."""
    if not set(found.values()) <= {"fails", "holds"}:
        return False
    failed = [case for case, verdict in found.items() if verdict == "fails"]
    return all(
        any(name in (each, each.partition("[")[0]) for each in failed) for name in mutant.cases
    )


def test_mutants_say_what_they_break() -> None:
    covering = {
        requirement: {case.name for case in cases} for requirement, cases in source.cases().items()
    }
    for mutant in mutants():
        assert mutant.wrongness, mutant
        assert 1 <= len(mutant.cases) <= 3, mutant
        assert mutant.breaks, mutant
        names = {case.rpartition("::")[2].partition("[")[0] for case in mutant.cases}
        assert all(covering[requirement] & names for requirement in mutant.breaks), mutant


def test_there_are_enough() -> None:
    assert len(mutants()) >= LEAST
    names = [mutant.name for mutant in mutants()]
    assert len(set(names)) == len(names)
