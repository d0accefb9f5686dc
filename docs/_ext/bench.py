"""The tables and curves of the last recorded bench, from docs/results/bench.json.

.. bench::
   goals against what was reached; then every scenario and system
.. bench-earlier::
   what an earlier version needed in the same run
.. bench-reasons::
   why moonshots were not reached, and what was tried, from tests/bench/reasons.toml
.. bench-curve:: keys
   how a figure grows: a picture, and the numbers as text
"""

from __future__ import annotations

import html
import json
import math
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext.codepages import escaped
from docs._ext.source import ROOT
from docs._ext.traceability import Text, row_of
from tests.bench import judge
from tests.bench.rivals import EARLIER

RECORDED = ROOT / "docs" / "results" / "bench.json"
# Other runs, each a column beside the verdicts: on another build of Python, on another machine.
OTHERS = ("ordinary", "elsewhere")
NOTHING = "No run has been recorded: ``make bench`` writes one."
WIDTH, HEIGHT, MARGIN = 560, 260, 48
DASHES = {"refuwsgi": "", "uwsgi": "6 4"}
Curve = dict[str, list[tuple[float, float]]]  # system -> points


def recorded(path: Path = RECORDED) -> dict[str, Any] | None:
    """The last run."""
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def table(widths: str, *titles: str) -> list[str]:
    """The beginning of a table."""
    options = ["   :header-rows: 1", f"   :widths: {widths}"]
    return [".. list-table::", *options, "", *row_of(*titles)]


def others() -> dict[str, dict[str, Any]]:
    """The other runs that are on record, by the names of their columns."""
    found = {name: recorded(RECORDED.with_name(f"bench-{name}.json")) for name in OTHERS}
    return {name: run for name, run in found.items() if run is not None}


def goals_of(run: dict[str, Any], beside: dict[str, dict[str, Any]]) -> list[str]:
    """What was to be reached, what was, and what was in other runs."""
    there = {
        (name, each["scenario"], each["metric"], each["goal"]): f"{each['now']:.2f}"
        for name, other in beside.items()
        for each in other["goals"]
    }
    widths = " ".join(["12 20 16 10 8 12 14", *("10" for _ in beside)])
    lines = table(widths, "scenario", "figure", "refuwsgi divided by", "reached", "goal",
                  "moonshot", "verdict", *beside)  # fmt: skip
    for each in run["goals"]:
        against = each["against"] or "(the figure itself)"
        amounts = (f"{each[name]:.2f}" for name in ("now", "goal", "moonshot"))
        key = each["scenario"], each["metric"], each["goal"]
        same = [there.get((name, *key), "") for name in beside]
        names = (each["scenario"], escaped(each["metric"]), escaped(against))
        lines += row_of(*names, *amounts, each["verdict"], *same)
    return lines


def machine_of(run: dict[str, Any]) -> str:
    """Where and when a run was made, and what the machine is like."""
    told = f"{run['date']}: {run['machine']}, {run['rounds']} rounds"
    if references := run.get("references"):
        told += f"; {judge.told(references)}"
    return escaped(told)


def lines_of(run: dict[str, Any]) -> list[str]:
    """The machine, the goals, then a row for each scenario and system."""
    lines = [f"Run on {machine_of(run)}.", ""]
    beside = others()
    for name, other in beside.items():
        lines += [f"{name.capitalize()}: {machine_of(other)}.", ""]
    lines += [*goals_of(run, beside), ""]
    lines += table(
        "10 40 20 20 10", "scenario", "what it does", "system", "figure", "refuwsgi / it"
    )
    for row in run["scenarios"]:
        for system, metrics in row["figures"].items():
            figure = metrics.get(row["metric"])
            if figure is None or system == EARLIER:
                continue
            amount = f"{figure['median']:.4g} ± {figure['spread']:.2g} {row['metric']}"
            ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
            lines += row_of(row["name"], escaped(row["what"]), system, escaped(amount), ratio)
    return lines


class Bench(Text):
    """The tables, or a sentence when nothing has been recorded."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        run = recorded()
        return [NOTHING] if run is None else lines_of(run)


# -- an earlier version


def earlier_of(run: dict[str, Any]) -> list[str]:
    """What each scenario cost before and costs now."""
    compared = [
        (row, row["figures"][EARLIER][row["metric"]], row["figures"]["refuwsgi"][row["metric"]])
        for row in run["scenarios"]
        if row["metric"] in row["figures"].get(EARLIER, {})
        and row["metric"] in row["figures"].get("refuwsgi", {})
    ]
    if not compared:
        return ["No run has been recorded with an earlier version."]
    lines = [f"Earlier is the version of {run['earlier']}.", ""]
    lines += table("14 26 20 20 12", "scenario", "figure", "earlier", "now", "now / earlier")
    for row, before, now in compared:
        amounts = (f"{each['median']:.4g} ± {each['spread']:.2g}" for each in (before, now))
        ratio = "" if before["ratio"] is None else f"{before['ratio']:.2f}"
        lines += row_of(row["name"], escaped(row["metric"]), *amounts, ratio)
    return lines


class BenchEarlier(Text):
    """The table of then and now."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return earlier_of(recorded() or {"scenarios": []})


# -- reasons


def reasons() -> list[dict[str, Any]]:
    """What is in the way of figures, and what was tried."""
    path = ROOT / "tests" / "bench" / "reasons.toml"
    found: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["reason"]
    return found


def short_of(run: dict[str, Any]) -> dict[str, str]:
    """The figures that have not reached the moonshot: how far they are."""
    return {
        f"{each['scenario']} {each['metric']}": f"{each['now']:.2f} (moonshot {each['moonshot']:g})"
        for each in reversed(run["goals"])  # of several rivals the first: the original
        if each["verdict"] != "moonshot"
    }


class BenchReasons(Text):
    """Reasons, for those figures of the last run that need one."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record, and the reasons."""
        short = short_of(recorded() or {"goals": []})
        lines = []
        for each in reasons():
            names = [name for name in each["figures"] if name in short]
            if names:
                told = "; ".join(f"{escaped(name)} {short[name]}" for name in names)
                lines += [f"**{told}.**", " ".join(each["why"].split()), ""]
                lines += [f"* {one}" for one in each["tried"]] + [""]
        return lines or ["Every figure of the last run has reached its moonshot."]


# -- curves


def curve_of(run: dict[str, Any], name: str) -> tuple[str, Curve]:
    """The metric of a curve, and its points for each system."""
    metric, found = "", Curve()
    for row in run["scenarios"]:
        kind, _, size = row["name"].partition("-")
        if kind != name:
            continue
        metric = row["metric"]
        for system, metrics in row["figures"].items():
            if metric in metrics and system != EARLIER:
                found.setdefault(system, []).append((float(size), metrics[metric]["median"]))
    return metric, found


def text_of(metric: str, curve: Curve) -> str:
    """The numbers."""
    lines = [
        f"{system:10} {size:>9,.0f}  {amount:.4g} {metric}"
        for system, points in curve.items()
        for size, amount in points
    ]
    return "\n".join(lines)


def svg_of(name: str, metric: str, curve: Curve) -> str:
    """The picture: sizes grow by powers of ten to the right, figures upwards from zero."""
    points = [point for line in curve.values() for point in line]
    most = max(amount for _, amount in points) * 1.1 or 1.0
    widest = math.log10(max(size for size, _ in points)) or 1.0

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = MARGIN + math.log10(max(point[0], 1)) / widest * (WIDTH - 2 * MARGIN)
        return across, HEIGHT - MARGIN - point[1] / most * (HEIGHT - 2 * MARGIN)

    label = html.escape(f"{metric} for growing {name}")
    parts = [
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11" fill="currentColor" stroke="none">',
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" '
        'stroke="currentColor"/>',
        f'<text x="{MARGIN}" y="{MARGIN - 12}">{html.escape(metric)}, up to {most:.4g}</text>',
    ]
    for size in sorted({size for size, _ in points}):
        across, _ = place((size, 0))
        parts.append(
            f'<text x="{across:.0f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{size:,.0f}'
            "</text>"
        )
    for system, line in curve.items():
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line))
        x, y = place(line[-1])
        dash = DASHES.get(system, "2 3")
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{x - 4:.0f}" y="{y - 6:.0f}" text-anchor="end">{html.escape(system)}</text>'
        )
    return "".join([*parts, "</svg>"])


class BenchCurve(SphinxDirective):
    """How a figure grows with the work."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it, and write its numbers below."""
        self.env.note_reread()
        name = self.arguments[0]
        metric, curve = curve_of(recorded() or {"scenarios": []}, name)
        if not curve:
            return [nodes.paragraph(text="No run has been recorded with this curve.")]
        plain = text_of(metric, curve)
        picture = nodes.raw("", svg_of(name, metric, curve), format="html")
        return [picture, nodes.literal_block(plain, plain, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("bench", Bench)
    app.add_directive("bench-earlier", BenchEarlier)
    app.add_directive("bench-reasons", BenchReasons)
    app.add_directive("bench-curve", BenchCurve)
    return {"version": "1", "parallel_read_safe": True}
