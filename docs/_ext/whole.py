"""What is whole: every section with everything that belongs to it, every module, every log line.

.. every-section::        section -> place in the manual, owner, cases, example
.. every-module::         the index of the pages that show the modules
.. every-log-line::       what the log may say, module by module

The house tests ask the same functions.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sphinx.application import Sphinx

from docs._ext import source
from docs._ext.codepages import escaped
from docs._ext.traceability import Text, label_of, row_of
from refuwsgi.commands.example import EXAMPLES

Function = ast.FunctionDef | ast.AsyncFunctionDef
SENTENCE = re.compile(r"[^\n]*[a-z]{2}[^\n]* [^\n]*(\{|[a-z]{3})[^\n]*")
SAYING = ("log.line", "line", "tell")
COMMANDS = "commands"  # what these print is no log
FILES_SHOWN = 3  # names in a cell; the rest is a number


class Whole(NamedTuple):
    """A section with everything that belongs to it."""

    name: str
    page: str  # the reference page that has it
    owner: Path | None
    cases: tuple[str, ...]  # each as FILE::CASE
    examples: tuple[str, ...]

    def holes(self) -> list[str]:
        """What is missing."""
        return [field for field in self._fields if not getattr(self, field)]


@functools.cache
def every_section() -> tuple[Whole, ...]:
    """The sections of the four documents, in their order."""
    owners, cases = _owners(), _cases()
    return tuple(
        Whole(
            name,
            _page_with(name),
            owners.get(name),
            tuple(sorted(cases.get(name, ()))),
            tuple(n for n, each in EXAMPLES.items() if name in (each.section, *each.also)),
        )
        for name in source.sections()
    )


def _owners() -> dict[str, Path]:
    claims = ((source.claim_of(path), path) for path in source.modules())
    return {claim.heading: path for claim, path in claims if claim and not claim.part}


def _cases() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    of_requirement = source.cases()
    for need in source.requirements().values():
        for case in of_requirement.get(need.id, ()):
            place = case.path.relative_to(source.TESTS)
            found.setdefault(need.section, set()).add(f"{place}::{case.name}")
    return found


def _page_with(name: str) -> str:
    document = name.partition(" / ")[0]
    path = source.ROOT / "docs" / f"{document}.rst"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return document if f".. section:: {name}" in lines else ""


def shown_whole() -> set[Path]:
    """The modules whose page the index of the source lists."""
    return {path for names in by_directory().values() for path in names}


def by_directory() -> dict[str, list[Path]]:
    """The modules, directory by directory, the floor of single files first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(source.modules(), key=lambda each: (str(each.parent), each.name)):
        found.setdefault(str(path.parent.relative_to(source.ROOT)), []).append(path)
    return found


def public_names(path: Path) -> Iterator[tuple[str, int]]:
    """The public functions, classes and methods of a module, with the line where each begins."""
    for node in source.tree_of(path).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node.lineno
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, Function) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner.lineno


def log_lines(path: Path) -> list[tuple[int, str]]:
    """What a module may write into the log: line number and text, with {} for what differs."""
    if COMMANDS in path.parts:
        return []
    tree = source.tree_of(path)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SAYING:
            text = _text_of(node.args[0], constants) if node.args else None
            if text and re.search("[a-z]{2}", re.sub("{.*?}", "", text)):
                found.append((node.lineno, " ".join(text.split())))
    # What is left of the constants is said by others, or chosen from a few: "spawned ... worker".
    said = ((node.lineno, _text_of(node, {})) for node in constants.values())
    found += [(number, text) for number, text in said if text and SENTENCE.fullmatch(text)]
    return sorted(found)


def _text_of(node: ast.expr, constants: dict[str, ast.expr]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id in constants:
        return _text_of(constants.pop(node.id), constants)
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(each) for each in node.values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _text_of(node.func.value, constants)  # TEXT.format(...), text.replace(...)
    return None


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "{" + ast.unparse(node.value if isinstance(node, ast.FormattedValue) else node) + "}"


class EverySection(Text):
    """One row for each section of the four documents."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Section, owner, cases, example."""
        lines = [
            ".. list-table::",
            "   :class: stacked",
            "   :header-rows: 1",
            "   :widths: 30 24 24 22",
            "",
        ]
        lines += row_of("section", "its owner", "its cases", "try it: ``refuwsgi example ...``")
        for each in every_section():
            name = escaped(each.name).replace("<", "\\<")
            where = f":ref:`{name} <{label_of(each.name)}>`"
            owner = each.owner and f":src:`{each.owner.relative_to(source.ROOT)}`"
            files = sorted({case.partition("::")[0] for case in each.cases})
            shown = ", ".join(f"``{name}``" for name in files[:FILES_SHOWN])
            more = f" and {n} more files" if (n := len(files) - FILES_SHOWN) > 0 else ""
            cases = f"{len(each.cases)} in {shown}{more}"
            examples = ", ".join(f"``{name}``" for name in each.examples)
            lines += row_of(where, owner or "", cases, examples)
        return lines


class EveryModule(Text):
    """The index of the pages that show the source."""

    required_arguments = 0

    def text(self) -> list[str]:
        """A list of modules for each directory."""
        lines = []
        for directory, paths in by_directory().items():
            lines += [f".. rubric:: {directory}/", ""]
            for path in paths:
                title = source.docstring_of(path).partition("\n")[0]
                lines.append(f"* :src:`{path.relative_to(source.ROOT)}`: {escaped(title)}")
            lines.append("")
        return lines


class EveryLogLine(Text):
    """What the log may say."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One list for each module that writes into the log."""
        lines = []
        for path in source.modules():
            if said := log_lines(path):
                lines += [f":src:`{path.relative_to(source.ROOT)}`", ""]
                lines += [f"   * {literal(text)} (line {number})" for number, text in said]
                lines.append("")
        return lines


def literal(text: str) -> str:
    """Text as code, whatever it holds."""
    return f"``{text.strip()}``" if "``" not in text else escaped(text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("every-section", EverySection)
    app.add_directive("every-module", EveryModule)
    app.add_directive("every-log-line", EveryLogLine)
    return {"version": "1", "parallel_read_safe": True}
