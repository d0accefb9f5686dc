"""Which mutants there are, and what each says of itself."""

import ast
import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENTS = ("offloading", "scaling", "fastrouter", "vassals")
SUITE = "tests/conformance/"


class Mutant(NamedTuple):
    """A wrong server, as its file describes it."""

    name: str  # drops-the-tail
    document: str
    wrongness: str
    breaks: tuple[str, ...]  # requirements
    cases: tuple[str, ...]  # of the suite: offloading/test_x.py::test_y

    @property
    def module(self) -> str:
        """The module that makes the server wrong."""
        return f"tests.mutants.{self.document}.{self.name.replace('-', '_')}"


def mutants(document: str = "") -> list[Mutant]:
    """All mutants, or those of one document."""
    documents = (document,) if document else DOCUMENTS
    return [_read(path) for each in documents for path in sorted((HERE / each).glob("[!_]*.py"))]


def called(name: str) -> Mutant | None:
    """The mutant of that name."""
    return next((each for each in mutants() if each.name == name), None)


def load(mutant: Mutant) -> Any:
    """Its module, which has `apply`."""
    return importlib.import_module(mutant.module)


def _read(path: Path) -> Mutant:
    tree = ast.parse(path.read_text("utf-8"))
    title, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    named = re.search(r"Breaks ([^.]*)\.", rest)
    return Mutant(
        path.stem.replace("_", "-"),
        path.parent.name,
        title.removesuffix("."),
        tuple(named[1].replace(",", " ").split()) if named else (),
        next((tuple(each) for each in map(_cases, tree.body) if each), ()),
    )


def _cases(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "CASES":
        return list(ast.literal_eval(statement.value))
    return []
