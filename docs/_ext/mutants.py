"""The wrong servers that the suite must catch, and what a mutation run has left.

.. mutants:: scaling          the table of a document's mutants and the cases that catch them
.. mutation::                 what no unit test of the protocol modules notices, and why
"""

from __future__ import annotations

import functools
import json
import tomllib
from typing import Any

from sphinx.application import Sphinx

from docs._ext import source
from docs._ext.codepages import escaped
from docs._ext.traceability import Text, row_of
from tests.mutants import shelf


class Mutants(Text):
    """The mutants of one document."""

    def text(self) -> list[str]:
        """One table."""
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 22 34 12 32", ""]
        lines += row_of("mutant", "what is wrong", "breaks", "caught by")
        for each in shelf.mutants(self.arguments[0]):
            cases = ", ".join(f"``{case.partition('::')[2]}``" for case in each.cases)
            lines += row_of(
                f"``{each.name}``", escaped(each.wrongness), ", ".join(each.breaks), cases
            )
        return lines


class Mutation(Text):
    """The record of the mutation run."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One table, and the survivors."""
        run = recorded()
        if not run["modules"]:
            return ["There is no record yet."]
        lines = [f"Run on {run['date']} with Python {run['python']}.", ""] if "date" in run else []
        lines += [".. list-table::", "   :header-rows: 1", ""]
        lines += row_of("module", "changes", "noticed", "survivors")
        for name, found in run["modules"].items():
            left = len(found["survivors"])
            count = found["changes"]
            lines += row_of(f"``{name}``", str(count), str(count - left), str(left))
        lines += ["", *survivors(run)]
        return lines


@functools.cache
def recorded() -> dict[str, Any]:
    """The committed record."""
    path = source.ROOT / "docs" / "results" / "mutation.json"
    return dict(json.loads(path.read_text("utf-8")))


def survivors(run: dict[str, Any]) -> list[str]:
    """One bullet for each, with the reason."""
    path = source.TESTS / "mutants" / "mutation.toml"
    reasons = tomllib.loads(path.read_text("utf-8"))
    lines = []
    for name, found in run["modules"].items():
        for each in found["survivors"]:
            why = reasons.get(name, {}).get(each, "not looked at yet")
            lines.append(f"* ``{name}``: ``{each}``: {escaped(why)}")
    return lines


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("mutants", Mutants)
    app.add_directive("mutation", Mutation)
    return {"version": "1", "parallel_read_safe": True}
