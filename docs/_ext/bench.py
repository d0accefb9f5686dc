"""The table of the last recorded bench, from docs/results/bench.json.

.. bench::
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx

from docs._ext.codepages import escaped
from docs._ext.source import ROOT
from docs._ext.traceability import Text, row_of

RECORDED = ROOT / "docs" / "results" / "bench.json"


def lines_of(run: dict[str, Any]) -> list[str]:
    """The machine, then a row for each scenario and system."""
    lines = [escaped(f"Run on {run['date']}: {run['machine']}, {run['rounds']} rounds."), ""]
    lines += [".. list-table::", "   :header-rows: 1", "   :widths: 10 40 20 20 10", ""]
    lines += row_of("scenario", "what it does", "system", "figure", "refuwsgi / it")
    for row in run["scenarios"]:
        for system, figure in row["figures"].items():
            amount = f"{figure['median']:.4g} ± {figure['spread']:.2g} {row['unit']}"
            ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
            lines += row_of(row["name"], escaped(row["what"]), system, escaped(amount), ratio)
    return lines


class Bench(Text):
    """The table, or a sentence when nothing has been recorded."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        if not RECORDED.exists():
            return ["No run has been recorded: ``make bench`` writes one."]
        return lines_of(json.loads(RECORDED.read_text("utf-8")))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("bench", Bench)
    return {"version": "1", "parallel_read_safe": True}
