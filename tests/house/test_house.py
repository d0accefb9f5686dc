"""The rules of the house, checked by reading the source."""

import ast
import graphlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs._ext import floors, source
from docs._ext.source import ROOT
from refuwsgi.options import catalogue
from tests.house import tables

EVERY = pytest.mark.parametrize("path", source.modules(), ids=lambda p: str(p.relative_to(ROOT)))
PYTHON = sorted(
    path
    for top in ("refuwsgi", "tests", "docs")
    for path in (ROOT / top).rglob("*.py")
    if "_build" not in path.parts
)
EVERY_PYTHON = pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
WITHOUT_SECTION = {"__init__.py", "__main__.py"}  # directly below refuwsgi/
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


@EVERY
def test_imports_go_down(path: Path) -> None:
    mine = floors.part_of_file(path)
    for name in source.imports_of(path):
        if name.split(".")[0] == "refuwsgi":
            assert floors.may_import(mine, floors.part_of(name)), f"{mine} imports {name}"


@EVERY
def test_only_the_standard_library_is_imported(path: Path) -> None:
    allowed = {"refuwsgi", *tables.STANDARD, *tables.EXTRAS}
    assert {name.split(".")[0] for name in source.imports_of(path)} <= allowed


def test_modules_do_not_import_each_other_in_circles() -> None:
    graphlib.TopologicalSorter(source_graph()).prepare()


def source_graph() -> dict[str, set[str]]:
    return {
        name: {other for other in others if not name.startswith(f"{other}.")}
        for name, others in floors.module_edges().items()
        if name != "refuwsgi"
    }


@EVERY_PYTHON
def test_a_file_is_one_sitting(path: Path) -> None:
    size = len(path.read_text("utf-8").splitlines())
    assert size <= LINES_OF_A_FILE


@EVERY_PYTHON
def test_a_function_is_one_thought(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    for node in ast.walk(source.tree_of(path)):
        if isinstance(node, Function):
            # One that only makes another is as long as what it says itself.
            inner = [each for each in node.body if isinstance(each, Function)]
            size = sum(1 for _ in code_of(node, lines))
            size -= sum(1 for each in inner for _ in code_of(each, lines))
            assert size <= LINES_OF_A_FUNCTION, f"{node.name} has {size} lines"


def code_of(node: Function, lines: list[str]) -> Iterator[str]:
    """The lines of a function that are neither docstring nor comment nor empty."""
    first = node.body[0]
    quoted = range(first.lineno, (first.end_lineno or 0) + 1) if ast.get_docstring(node) else ()
    for number in range(node.lineno, (node.end_lineno or 0) + 1):
        text = lines[number - 1].strip()
        if text and not text.startswith("#") and number not in quoted:
            yield text


@EVERY
def test_every_module_says_what_it_mirrors(path: Path) -> None:
    text = source.docstring_of(path)
    assert text, "no docstring"
    if path.parent != source.PACKAGE or path.name not in WITHOUT_SECTION:
        assert source.claim_of(path), "no Section: line"


@EVERY
def test_sections_that_modules_name_exist(path: Path) -> None:
    claim = source.claim_of(path)
    if claim and not claim.heading.startswith("ground"):
        known = claim.heading in source.sections()
        assert known, f"tests/sections.toml has no {claim.heading!r}"


def owners() -> Counter[str]:
    claims = (source.claim_of(path) for path in source.modules())
    return Counter(claim.heading for claim in claims if claim and not claim.part)


def test_every_section_has_exactly_one_owner() -> None:
    owned = owners()
    several = [name for name in source.sections() if owned[name] > 1]
    without = {name for name in source.sections() if not owned[name]}
    assert not several, "more than one module has the bare heading"
    assert without == tables.SECTIONS_NOT_YET_OWNED


def test_no_option_is_declared_twice() -> None:
    names = Counter(name for option in catalogue() for name in (option.name, *option.aliases))
    assert [name for name, times in names.items() if times > 1] == []


def test_every_option_of_the_documents_exists() -> None:
    known = {name for option in catalogue() for name in (option.name, *option.aliases)}
    assert tables.OPTIONS_OF_THE_DOCUMENTS - known == tables.OPTIONS_NOT_YET_BUILT


def test_every_requirement_has_a_case_or_a_reason() -> None:
    covered = set(source.cases())
    assert set(source.requirements()) - covered == set(source.not_yet())


def test_no_case_covers_an_unknown_requirement() -> None:
    assert set(source.cases()) <= set(source.requirements())


def test_every_conformance_case_names_a_requirement() -> None:
    named = {(case.path, case.name) for cases in source.cases().values() for case in cases}
    without = [
        f"{path.name}: {node.name}"
        for path in sorted((source.TESTS / "conformance").rglob("test_*.py"))
        for node in ast.walk(source.tree_of(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if (path, node.name) not in named
    ]
    assert without == []


def test_every_recorded_result_is_of_a_requirement() -> None:
    for path in sorted((ROOT / "docs" / "results").glob("*.json")):
        results = json.loads(path.read_text("utf-8")).get("results", {})
        unknown = set(results) - set(source.requirements()) if isinstance(results, dict) else set()
        assert not unknown, path.name


def test_every_requirement_belongs_to_a_section() -> None:
    known = set(source.sections())
    for row in source.requirements().values():
        assert row.section in known or row.section.startswith("ground"), row.id


def test_an_exception_is_caught_by_its_type() -> None:
    found = set()
    for path in source.modules():
        for node in ast.walk(source.tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and too_wide(node):
                found.add(str(path.relative_to(source.PACKAGE)))
    assert found - tables.MAY_CATCH_EVERYTHING == set()


def too_wide(handler: ast.ExceptHandler) -> bool:
    """Whether a handler keeps everything; one that only tidies up and raises again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False  # it cleans up and lets the error go on
    return bool(re.search(r"\b(Base)?Exception\b", ast.unparse(handler.type)))


def files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = parts[0].startswith(".") and parts[0] not in tables.HIDDEN_BUT_OURS
        if path.is_file() and not hidden and not tables.MADE & set(parts):
            yield path


def test_the_repository_speaks_of_the_project_alone() -> None:
    for path in files():
        text = path.read_bytes().decode("utf-8", "replace")
        for word in tables.FORBIDDEN:
            assert word not in text, f"{word!r} in {path.relative_to(ROOT)}"
