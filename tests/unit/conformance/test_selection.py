"""Which cases a word and a profile choose."""

import pytest

from tests.conformance.harness.selection import Case, named, same, unknown, wanted

CASE = Case("fastrouter/test_notes.py::test_a[1]", [("FR-14", "required"), ("FR-1", "observed")])
OURS = Case("vassals/test_x.py::test_b", [("OD-75", "beyond"), ("OD-1", "required")])


@pytest.mark.parametrize(
    "word",
    [
        "fastrouter",
        "fastrouter/",
        "FASTROUTER",
        "fastrouter / Getting started",
        "getting started",
        "fastrouter / *",
        "FR-14",
        "fr-1",
        "FR-*",
        "fastrouter/test_notes.py",
        "fastrouter/test_notes.py::test_a",
        "fastrouter/test_notes.py::test_a[1]",
        "*::test_a[*]",
    ],
)
def test_a_case_has_many_names(word: str) -> None:
    assert named(CASE, word)


@pytest.mark.parametrize("word", ["vassals", "FR-140", "FR", "notes", "", "*::test_a[2]"])
def test_what_is_not_its_name(word: str) -> None:
    assert not named(CASE, word)


def test_brackets_mean_themselves() -> None:
    assert same("a[1]*", "A[1]b")
    assert not same("a[1]", "a1")


@pytest.mark.parametrize(
    ("profile", "taken"),
    [("required", [CASE]), ("observed", [CASE]), ("beyond", [CASE, OURS]), ("", [CASE, OURS])],
)
def test_a_profile_holds_the_kinds_up_to_its_own(profile: str, taken: list[Case]) -> None:
    assert [case for case in (CASE, OURS) if wanted(case, [], profile)] == taken


def test_a_case_without_a_requirement_is_an_observation() -> None:
    bare = Case("x/test_y.py::test_z", [])
    assert bare.kind == "observed"
    assert not wanted(bare, [], "required")


def test_words_that_name_nothing_are_told() -> None:
    assert unknown(["FR-14", "FR-15"], [CASE]) == ["FR-15"]
