"""The table of faults: each row of table.toml, and the tests that hold it."""

import ast
import functools
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).parent / "table.toml"


class Fault(NamedTuple):
    """A row: what goes wrong, what may be lost, and where that is tested."""

    id: str
    what: str
    lost: str
    tests: list[str]  # "tests/faults/test_kills.py::test_a_router"
    reason: str  # why there is no test


class Kind(NamedTuple):
    """The rows of one letter."""

    title: str
    faults: list[Fault]


def kinds() -> dict[str, Kind]:
    """The table, by letters."""
    read = tomllib.loads(TABLE.read_text("utf-8"))
    titles: dict[str, str] = read.pop("titles")
    found = {letter: Kind(title, []) for letter, title in titles.items()}
    for name, row in read.items():
        letter = name.rstrip("0123456789")
        tests = [test if test.startswith("tests/") else f"tests/{test}" for test in row["tests"]]
        fault = Fault(name, row["what"], row.get("lost", "nothing"), tests, row.get("reason", ""))
        found[letter].faults.append(fault)
    return found


@functools.cache
def tests_in(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(test: str) -> bool:
    """Whether there is no such test."""
    path, _, name = test.partition("::")
    return not (ROOT / path).is_file() or name not in tests_in(path)
