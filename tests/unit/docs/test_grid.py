"""The grid of the implementations, from results to cells."""

import json
from typing import Any

from docs._ext import grid, source

NEEDS = [source.Requirement(f"X-{n}", "scaling / x", "required", "text") for n in range(1, 6)]
RUN: dict[str, Any] = {"results": {"X-1": True, "X-2": ["differs", "w"], "X-3": ["absent", "o"]}}


def test_a_cell_is_one_word() -> None:
    kinds = [grid.kind_of(RUN, need) for need in NEEDS]
    assert kinds == ["holds", "differs", "absent", "", ""]
    assert set(kinds) <= set(grid.SIGNS)


def test_what_was_not_judged_is_not_counted() -> None:
    assert grid.share(RUN, NEEDS) == "1 of 2"
    assert grid.share(RUN, NEEDS[2:]) == "not judged"


def test_every_file_of_results_is_a_column_and_the_two_of_ci_come_first() -> None:
    names = list(grid.implementations())
    assert names[:2] == list(grid.FIRST)
    for name in names:
        path = source.ROOT / "docs" / "results" / f"{name}.json"
        assert json.loads(path.read_text("utf-8"))["binary"] == name


def test_a_sign_stands_for_itself() -> None:
    assert grid.literal("+") == "``+``"
    assert grid.literal("") == ""
