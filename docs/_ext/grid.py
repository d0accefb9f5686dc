"""The grid of the implementations, drawn from the files in docs/results.

.. implementations::          one line for each file: which binary, when, where, how many hold
.. sections-grid::            section by section, how many requirements hold on each binary
.. grid:: offloading          requirement by requirement, a sign for each binary
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from typing import Any

from sphinx.application import Sphinx

from docs._ext import source
from docs._ext.codepages import escaped
from docs._ext.traceability import Text, row_of

SIGNS = {
    "holds": "+",
    "differs": "d",
    "fails": "F",
    "setup": "F",
    "harness": "?",
    "absent": ".",
    "skipped": ".",
    "": "",
}
FIRST = ("refuwsgi", "uwsgi-2.0.31")


@functools.cache
def implementations() -> dict[str, dict[str, Any]]:
    """The recorded runs by the name of the binary, the two that CI runs first."""
    found = {}
    for path in sorted((source.ROOT / "docs" / "results").glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if "binary" in content and "results" in content:
            found[str(content["binary"])] = content
    order = [name for name in FIRST if name in found]
    return {name: found[name] for name in [*order, *(n for n in found if n not in order)]}


def kind_of(run: dict[str, Any], need: source.Requirement) -> str:
    """How a requirement ended in a run, in one word; "" if it was not asked."""
    result = run["results"].get(need.id)
    if result is None:
        return ""
    return "holds" if result is True else str(result[0])


def sums(run: dict[str, Any]) -> Counter[str]:
    """How many requirements ended in which way."""
    return Counter(kind_of(run, need) for need in source.requirements().values())


def share(run: dict[str, Any], needs: list[source.Requirement]) -> str:
    """How many requirements of a list hold, of those that were asked."""
    kinds = Counter(kind_of(run, need) for need in needs)
    judged = sum(kinds.values()) - kinds[""] - kinds["absent"] - kinds["skipped"]
    return f"{kinds['holds']} of {judged}" if judged else "not judged"


class Implementations(Text):
    """What was run, where and when, and how it ended."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One bullet for each binary."""
        lines = []
        for name, run in implementations().items():
            kinds = sums(run)
            others = ", ".join(
                f"{kinds[k]} {k}" for k in SIGNS if k not in ("", "holds") and kinds[k]
            )
            lines.append(
                f"* **{escaped(name)}** ({run['date']}, {escaped(run['platform'])}):"
                f" {kinds['holds']} hold{', ' + others if others else ''}"
                f"{', ' + str(kinds['']) + ' not asked' if kinds[''] else ''}"
            )
        return lines


class SectionsGrid(Text):
    """How many requirements of each section hold on each binary."""

    required_arguments = 0

    def text(self) -> list[str]:
        """One table."""
        runs = implementations()
        lines = [".. list-table::", "   :header-rows: 1", "", *row_of("section", *runs)]
        for section in dict.fromkeys(need.section for need in source.requirements().values()):
            needs = [need for need in source.requirements().values() if need.section == section]
            lines += row_of(escaped(section), *(share(run, needs) for run in runs.values()))
        return lines


class Grid(Text):
    """Every requirement of a document, with a sign for each binary."""

    def text(self) -> list[str]:
        """One table."""
        runs = implementations()
        lines = [".. list-table::", "   :header-rows: 1", ""]
        lines += row_of("requirement", "what it says", *runs)
        prefix = f"{self.arguments[0]} /"
        for need in source.requirements().values():
            if need.section.startswith(prefix):
                signs = (SIGNS.get(kind_of(run, need), "?") for run in runs.values())
                lines += row_of(
                    f"{need.id} ({need.kind})", escaped(need.text), *map(literal, signs)
                )
        return lines


def literal(sign: str) -> str:
    """A sign that stands for itself."""
    return f"``{sign}``" if sign else ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("implementations", Implementations)
    app.add_directive("sections-grid", SectionsGrid)
    app.add_directive("grid", Grid)
    return {"version": "1", "parallel_read_safe": True}
