"""What the source says about itself: sections, imports, requirements, labelled comments.

Nothing of the package is imported: everything is read with `ast` and `tomllib`.  The house tests
and the pages of the manual ask the same functions, so that a page cannot say what no test checks.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "refuwsgi"
TESTS = ROOT / "tests"
LABEL = re.compile(r"#\s*(uWSGI|Departure|Beyond):\s*(.*)")


class Claim(NamedTuple):
    """What a module's `Section:` line says: the heading, and the part of it when it is a helper."""

    heading: str
    part: str


class Requirement(NamedTuple):
    """One row of tests/requirements/."""

    id: str
    section: str
    kind: str
    text: str


class Case(NamedTuple):
    """A test that names a requirement."""

    path: Path
    name: str
    kind: str


class Note(NamedTuple):
    """A labelled comment of the source."""

    label: str
    text: str
    path: Path
    line: int


@functools.cache
def modules() -> tuple[Path, ...]:
    """Every module of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """The parsed text of a file."""
    return ast.parse(path.read_text("utf-8"))


def docstring_of(path: Path) -> str:
    """The docstring of a module, without its indentation."""
    return ast.get_docstring(tree_of(path)) or ""


def dotted(path: Path) -> str:
    """The name under which a file of the package is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def claim_of(path: Path) -> Claim | None:
    """Read the `Section:` line of a module; it may go on, indented, on the next lines."""
    found: list[str] = []
    for text in docstring_of(path).splitlines():
        if text.startswith("Section:"):
            found = [text.removeprefix("Section:").strip()]
        elif found and text.startswith(" ") and text.strip():
            found.append(text.strip())
        elif found:
            break
    if not found:
        return None
    heading, _, part = " ".join(found).partition(";")
    return Claim(heading.strip(), part.strip())


def imports_of(path: Path, lazy: bool = True) -> set[str]:
    """The dotted names that a module imports; with lazy=False only what it imports at start."""
    nodes = list(ast.walk(tree_of(path))) if lazy else list(tree_of(path).body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "refuwsgi":
                found |= {f"refuwsgi.{alias.name}" for alias in node.names}
    return found


@functools.cache
def sections() -> tuple[str, ...]:
    """The sections of the four documents, in their order."""
    return tuple(row["name"] for row in _toml(TESTS / "sections.toml").get("section", []))


@functools.cache
def requirements() -> dict[str, Requirement]:
    """Every requirement by its id."""
    found: dict[str, Requirement] = {}
    for path in sorted((TESTS / "requirements").glob("*.toml")):
        if path.stem != "not_yet":
            for name, row in _toml(path).items():
                found[name] = Requirement(name, row["section"], row["kind"], row["text"])
    return found


def not_yet() -> dict[str, str]:
    """The requirements that no case covers yet, with the reason."""
    return dict(_toml(TESTS / "requirements" / "not_yet.toml").get("not_yet", {}))


def cases() -> dict[str, list[Case]]:
    """The test cases of every requirement: whatever is decorated with `@covers("ID", ...)`."""
    found: dict[str, list[Case]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, case in _cases_of(path):
            found.setdefault(name, []).append(case)
    return found


def _cases_of(path: Path) -> Iterator[tuple[str, Case]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("covers"):
                    kind = _keyword(mark, "kind") or "required"
                    for arg in mark.args:
                        if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                            yield arg.value, Case(path, node.name, kind)


def _keyword(call: ast.Call, name: str) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def notes() -> list[Note]:
    """Every labelled comment of the package, with the lines that continue it."""
    found: list[Note] = []
    for path in modules():
        lines = path.read_text("utf-8").splitlines()
        for number, text in enumerate(lines, 1):
            if match := LABEL.search(text):
                rest = _continued(lines[number:]) if text.lstrip().startswith("#") else []
                words = " ".join([match[2], *rest]).strip()
                found.append(Note(match[1], words, path, number))
    return found


def _continued(lines: list[str]) -> Iterator[str]:
    for text in lines:
        text = text.strip()
        if not text.startswith("#") or LABEL.search(text) or text.startswith("# doc:"):
            return
        yield text.lstrip("# ").strip()


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
