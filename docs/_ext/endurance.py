"""The tables of the last recorded long runs, from docs/results.

.. endurance:: sleep-wake
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx

from docs._ext.codepages import escaped
from docs._ext.source import ROOT
from docs._ext.traceability import Text, row_of


def cell(value: Any) -> str:
    """A value in words; a table of losses as a list."""
    if isinstance(value, dict):
        return escaped(", ".join(f"{count} {what}" for what, count in value.items()) or "none")
    return escaped(str(value))


def lines_of(record: dict[str, Any]) -> list[str]:
    """The machine, then a row for each run."""
    runs = record["runs"]
    lines = [escaped(f"Run on {record['date']}: {record['machine']}."), ""]
    lines += [".. list-table::", "   :header-rows: 1", ""]
    lines += row_of(*map(escaped, runs[0]))
    for run in runs:
        lines += row_of(*map(cell, run.values()))
    return lines


class Endurance(Text):
    """The table of one record, or a sentence when there is none."""

    def text(self) -> list[str]:
        """Read the record."""
        path = ROOT / "docs" / "results" / f"{self.arguments[0]}.json"
        if not path.exists():
            return ["No run has been recorded."]
        return lines_of(json.loads(path.read_text("utf-8")))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("endurance", Endurance)
    return {"version": "1", "parallel_read_safe": True}
