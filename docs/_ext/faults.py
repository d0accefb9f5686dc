"""What goes wrong and is stood: the table of faults, its figures, the soak, the fuzzing.

.. faults::      the table, from tests/faults/table.toml
.. figures::     what the scripts M1 to M13 measured, from docs/results/figures.json
.. fuzz::        how many inputs were tried, from docs/results/fuzz.json
.. soak::        the curves of the last long run, from docs/results/soak.json
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx

from docs._ext.codepages import escaped
from docs._ext.source import ROOT
from docs._ext.traceability import Text, row_of
from tests.faults import table
from tests.fuzz.record import totals

RESULTS = ROOT / "docs" / "results"
WIDTH, HEIGHT, EDGE = 640, 90, 6
CURVES = ("processes", "threads", "descriptors", "pipes", "memory", "files", "requests")
HEADER = [".. list-table::", "   :header-rows: 1"]


def recorded(name: str) -> Any:
    """A record, or nothing."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def fault_lines() -> list[str]:
    """The table, one list for each letter."""
    lines: list[str] = []
    for kind in table.kinds().values():
        lines += [f".. rubric:: {escaped(kind.title)}", "", *HEADER, "   :widths: 6 32 26 36", ""]
        lines += row_of("", "what goes wrong", "what may be lost", "held by")
        for fault in kind.faults:
            tests = ", ".join(f"``{test.partition('::')[2]}``" for test in fault.tests)
            lines += row_of(
                fault.id, escaped(fault.what), escaped(fault.lost), tests or escaped(fault.reason)
            )
        lines.append("")
    return lines


def said(numbers: dict[str, Any]) -> str:
    """Measured numbers in words."""
    return "; ".join(f"{name}: {shown(value)}" for name, value in numbers.items())


def shown(value: Any) -> str:
    """A value, or what is in it when it is short enough."""
    text = said(value) if isinstance(value, dict) else str(value)
    return text if len(text) <= 300 else f"{len(value)} of them, see the record"


def figure_lines(rows: dict[str, Any] | None) -> list[str]:
    """One row for each figure that was taken."""
    if not rows:
        return ["No figure has been recorded: ``python -m tests.faults.figures all --record``."]
    lines = [*HEADER, "   :widths: 6 26 24 32 12", ""]
    lines += row_of("", "what", "bar", "measured", "verdict")
    for name, row in rows.items():
        form = "full" if row["full"] else said(row["numbers"])
        verdict = f"{'good' if row['good'] else 'below'} ({form}, load {row['load']})"
        cells = (row["what"], row["bar"], said(row["measured"]), verdict)
        lines += row_of(name, *map(escaped, cells))
    return lines


def fuzz_lines(run: dict[str, Any] | None) -> list[str]:
    """How many inputs each parser took."""
    if run is None:
        return ["No run has been recorded: ``make fuzz RECORD=1``."]
    lines = [escaped(f"{run['machine']}; the sums of all recorded runs."), "", *HEADER, ""]
    lines += row_of("parser", "inputs", "runs", "minutes", "of the CPU", "finds", "kept inputs")
    for name, target in run["targets"].items():
        sums, times = totals(target), len(target["runs"])
        dates = f"{times}, {target['runs'][-1]['date']}"
        minutes = [f"{sums[each] / 60:.1f}" for each in ("seconds", "cpu")]
        kept = str(target["corpus"])
        lines += row_of(name, f"{sums['inputs']:,}", dates, *minutes, str(sums["finds"]), kept)
    return lines


def curve(name: str, times: list[float], values: list[float]) -> str:
    """One curve as SVG, from 0 to a little above its largest value."""
    most = max(values) * 1.1 or 1.0
    end = max(times) or 1.0
    points = " ".join(
        f"{EDGE + at / end * (WIDTH - 2 * EDGE):.1f},"
        f"{HEIGHT - EDGE - value / most * (HEIGHT - 2 * EDGE):.1f}"
        for at, value in zip(times, values, strict=True)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        f'<polyline fill="none" stroke="currentColor" points="{points}"/></svg>'
        f"<figcaption>{name}: {values[0]:g} at first, {max(values):g} at most, "
        f"{values[-1]:g} at the end of {end / 60:.0f} minutes</figcaption></figure>"
    )


def soak_lines(run: dict[str, Any] | None) -> list[str]:
    """What was done and lost, then the curves."""
    if run is None:
        return ["No run has been recorded: ``make soak MINUTES=10 RECORD=1``."]
    answered = sum(run["answered"].values())
    lost = sum(run["lost"].values())
    first = (
        f"{run['date']}: {run['machine']}, {run['minutes']:g} minutes, {run['clients']} clients: "
        f"{answered} requests answered, {sum(run['harm'].values())} kills and reloads, "
        f"{lost} requests lost beside them, {len(run['unexplained'])} lost without a reason."
    )
    rest = [f"{name}: {run['before'][name]:g} before, {run['after'][name]:g} after"
            for name in CURVES[:-1]]  # fmt: skip
    lines = [escaped(first), "", escaped(f"At rest: {'; '.join(rest)}."), ""]
    columns = dict(zip(run["names"], zip(*run["samples"], strict=True), strict=True))
    lines += [".. raw:: html", ""]
    lines += [f"   {curve(n, list(columns['at']), list(columns[n]))}" for n in CURVES]
    return [*lines, ""]


class Faults(Text):
    """The table of faults."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the table."""
        return fault_lines()


class Figures(Text):
    """The figures."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return figure_lines(recorded("figures"))


class Fuzz(Text):
    """The counts of the fuzzing."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return fuzz_lines(recorded("fuzz"))


class Soak(Text):
    """The curves of the soak."""

    required_arguments = 0

    def text(self) -> list[str]:
        """Read the record."""
        return soak_lines(recorded("soak"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx what there is."""
    app.add_directive("faults", Faults)
    app.add_directive("figures", Figures)
    app.add_directive("fuzz", Fuzz)
    app.add_directive("soak", Soak)
    return {"version": "1", "parallel_read_safe": True}
