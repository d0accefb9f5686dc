"""Who talks to whom, drawn from recorded runs.

.. sequence:: way-4      the run of docs/results/traces/way-4.json
"""

from __future__ import annotations

import html
import json
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext.source import ROOT

TRACES = ROOT / "docs" / "results" / "traces"
LANE, EDGE, ROW, TOP = 250, 90, 34, 50
LABEL = 40  # characters that fit between two lines of life


def drawn(record: dict[str, Any]) -> str:
    """The picture of a run, and the same in words."""
    parties, events = record["parties"], record["events"]
    width = 2 * EDGE + LANE * (len(parties) - 1)
    if any(source == target == parties[-1] for _, source, target, _ in events):
        width += LANE - EDGE  # for the words beside the last line of life
    height = TOP + ROW * (len(events) + 1)
    at = {name: EDGE + LANE * place for place, name in enumerate(parties)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{html.escape(record["title"])}" fill="currentColor" '
        'font-family="sans-serif" font-size="11">'
    ]
    for name, x in at.items():
        parts.append(text(x, TOP - 24, name))
        parts.append(f'<path d="M{x} {TOP - 14}V{height - 10}" stroke="currentColor" '
                     'stroke-opacity="0.4"/>')  # fmt: skip
    for place, (_, source, target, what) in enumerate(events):
        parts += arrow(at[source], at[target], TOP + ROW * (place + 1), what)
    plain = "\n".join(
        f"{when:7.3f}  {source} -> {target}  {what}" for when, source, target, what in events
    )
    details = f"<details><summary>the same as text</summary><pre>{html.escape(plain)}</pre>"
    return "\n".join([*parts, "</svg>", f"{details}</details>"])


def arrow(begin: int, end: int, y: int, what: str) -> list[str]:
    """One event; what somebody says to itself stands beside its line of life."""
    room = LABEL * max(1, abs(end - begin) // LANE)
    label = what if len(what) <= room else f"{what[: room - 3]}..."
    if begin == end:
        return [f'<circle cx="{begin}" cy="{y}" r="3"/>', text(begin + 8, y + 4, label, "start")]
    tip = end - 8 if end > begin else end + 8
    return [
        f'<path d="M{begin} {y}H{end}" stroke="currentColor"/>',
        f'<path d="M{end} {y}L{tip} {y - 4}V{y + 4}Z"/>',
        text((begin + end) // 2, y - 5, label),
    ]


def text(x: int, y: int, words: str, anchor: str = "middle") -> str:
    """Some words of the picture."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(words)}</text>'


class Sequence(SphinxDirective):
    """The picture of one recorded run."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        path = TRACES / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        record = json.loads(path.read_text("utf-8"))
        caption = nodes.paragraph("", f"{record['title']}  Recorded from a real run.")
        return [caption, nodes.raw("", drawn(record), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("sequence", Sequence)
    return {"version": "1", "parallel_read_safe": True}
