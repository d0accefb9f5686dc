"""Recorded runs of `refuwsgi lab slow` and of the bench of readers that stall.

.. slow-clients::      who is kept waiting by one slow client, from docs/results/slow-clients.json
.. readers::           what thousands of them cost, from docs/results/readers.json
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx

from docs._ext.codepages import escaped
from docs._ext.source import ROOT
from docs._ext.traceability import Text, row_of

RESULTS = ROOT / "docs" / "results"
TABLE = (".. list-table::", "   :header-rows: 1")
READERS = (
    "system", "readers", "median", "beside", "p99", "beside", "ratio", "idle", "memory",
    "descriptors", "cut off",
)  # fmt: skip


def slow_lines(run: dict[str, Any]) -> list[str]:
    """A row for each set-up, a column for each kind of slowness."""
    names = [column["name"] for column in run["columns"]]
    versions = {row["server"]: f"{row['server']} {row['version']}" for row in run["rows"]}
    told = f"Run on {run['date']}: {run['machine']}; {', '.join(versions.values())}."
    lines = [escaped(told), "", *TABLE, f"   :widths: 12 38{' 10' * len(names)}", ""]
    lines += row_of("server", "set-up", *names)
    for row in run["rows"]:
        cells = [row["cells"][name].replace("-", "\\-") for name in names]
        lines += row_of(row["server"], escaped(row["what"]), *cells)
    lines += ["", *(f"* ``{each['name']}``: {escaped(each['what'])}" for each in run["columns"])]
    return lines


def reader_lines(run: dict[str, Any]) -> list[str]:
    """A row for each number of readers and each system."""
    told = f"Run on {run['date']}: {run['machine']}, {run['rounds']} rounds."
    lines = [escaped(told), "", *TABLE, ""]
    lines += row_of(*READERS)
    for row in run["rows"]:
        lines += row_of(
            row["system"],
            str(row["readers"]),
            *(f"{row[name]:.0f} µs" for name in ("median_alone", "median_beside")),
            *(f"{row[name]:.0f} µs" for name in ("alone", "beside")),
            f"{row['ratio']:.2f}",
            f"{row['idle']:.2f} ms/s",
            f"{row['memory']:.2f} KiB",
            f"{row['descriptors']:.2f}",
            f"{row['cut']:.0f}",
        )
    return lines


class SlowClients(Text):
    """The table of the lab."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return slow_lines(json.loads((RESULTS / "slow-clients.json").read_text("utf-8")))


class Readers(Text):
    """The figures of the bench."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return reader_lines(json.loads((RESULTS / "readers.json").read_text("utf-8")))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("slow-clients", SlowClients)
    app.add_directive("readers", Readers)
    return {"version": "1", "parallel_read_safe": True}
