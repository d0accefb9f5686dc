"""The simulator's curve beside the one that a real server has drawn for the same load.

.. cheaper-curves:: cheaper-curve
"""

from __future__ import annotations

import json
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext.source import ROOT
from refuwsgi.commands import simulate, simulate_picture
from refuwsgi.commands.simulate_model import Second, Setup, Trace


def traces_of(record: dict[str, Any]) -> tuple[dict[str, Trace], Setup]:
    """What was simulated for the record's load, and what the record says of the server."""
    setup = Setup(record["most"], record["least"], 1, record["service"])
    name = record["algorithm"]
    seconds = [Second(*each) for each in record["seconds"]]
    real = Trace(seconds, record["served"], record["longest"], record["waited"])
    simulated = simulate.run(name, record["load"], setup, record["options"])
    return {f"{name}, simulated": simulated, f"{name}, a real server": real}, setup


def picture(record: dict[str, Any]) -> str:
    """Both curves in one picture, with the words below it."""
    traces, setup = traces_of(record)
    words = "".join(
        f"<li>{simulate_picture.in_words(name, trace, setup)}</li>"
        for name, trace in traces.items()
    )
    return f"{simulate_picture.svg(traces, record['load'], setup)}<ul>{words}</ul>"


class Curves(SphinxDirective):
    """The picture of one record, or a sentence when there is none."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the record and draw."""
        self.env.note_reread()
        path = ROOT / "docs" / "results" / f"{self.arguments[0]}.json"
        if not path.exists():
            return [nodes.paragraph("", "No run has been recorded.")]
        record = json.loads(path.read_text("utf-8"))
        said = f"Run on {record['date']}: {record['machine']}."
        return [nodes.raw("", picture(record), format="html"), nodes.paragraph("", said)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("cheaper-curves", Curves)
    return {"version": "1", "parallel_read_safe": True}
