"""From the figures of a run to what is recorded and printed: medians, ratios, goals."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench.rivals import PURE

SUBJECT, ORIGINAL = "refuwsgi", "uwsgi"
GOALS = Path(__file__).with_name("goals.json")

Rounds = dict[str, list[float]]  # metric -> a figure for each round
Found = dict[str, Rounds]  # system -> its figures


def spread(rounds: list[float]) -> float:
    """Half the distance between the quartiles."""
    if len(rounds) < 2:
        return 0.0
    low, _, high = statistics.quantiles(rounds, n=4, method="inclusive")
    return (high - low) / 2


def ratio(ours: list[float], others: list[float]) -> float | None:
    """The median of the rounds' own ratios: neighbours in time share the machine's mood."""
    pairs = [our / other for our, other in zip(ours, others, strict=False) if other]
    return statistics.median(pairs) if pairs else None


def summed(found: Found) -> dict[str, Any]:
    """For each system and metric the median, the spread, and refuwsgi's ratio to it."""
    ours = found.get(SUBJECT, {})
    return {
        system: {
            metric: {
                "median": statistics.median(rounds),
                "spread": spread(rounds),
                "ratio": None if system == SUBJECT else ratio(ours.get(metric, []), rounds),
            }
            for metric, rounds in metrics.items()
        }
        for system, metrics in found.items()
    }


def goals() -> list[dict[str, Any]]:
    """The goals, as they were set."""
    found: list[dict[str, Any]] = json.loads(GOALS.read_text("utf-8"))["goals"]
    return found


def judged(results: Mapping[str, Found]) -> Iterator[dict[str, Any]]:
    """Each goal that this run can tell about, with what was reached."""
    for goal in goals():
        metric = goal["metric"]
        found = results.get(goal["scenario"], {})
        ours = found.get(SUBJECT, {}).get(metric)
        against, now = _compared(goal["vs"], metric, found, results)
        if not ours:
            continue
        reached = statistics.median(ours) if against == "" else ratio(ours, now or [])
        if reached is None:
            continue
        verdict = "missed"
        if reached <= goal["goal"]:
            verdict = "moonshot" if reached <= goal["moonshot"] else "goal"
        yield {
            **{name: goal[name] for name in ("scenario", "metric", "goal", "moonshot")},
            "against": against,
            "now": reached,
            "verdict": verdict,
        }


def _compared(
    against: str, metric: str, found: Found, results: Mapping[str, Found]
) -> tuple[str, list[float] | None]:
    """Whom a goal compares with, and the figures of that one."""
    if against == "pure":
        medians = {
            name: statistics.median(found[name][metric])
            for name in PURE
            if metric in found.get(name, {})
        }
        against = min(medians, key=lambda name: medians[name], default="none")
    elif against.startswith("self@"):
        other = results.get(against.removeprefix("self@"), {})
        return against, other.get(SUBJECT, {}).get(metric)
    return against, found.get(against, {}).get(metric)


# -- in print


def told(references: Mapping[str, float]) -> str:
    """What the machine is like."""
    kernel, python = references["kernel_us"], references["python_us"]
    return (
        f"here the kernel's share of a hello over HTTP is {kernel:.1f} us, "
        f"and Python reads a packet of 17 vars in {python:.1f} us"
    )


def number(amount: float) -> str:
    """An amount, as precise as it is worth."""
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:.3g}"


def rows(row: Mapping[str, Any]) -> Iterator[str]:
    """The printed lines of one scenario."""
    yield f"{row['name']:14} {row['what']}"
    for system, metrics in row["figures"].items():
        first = metrics.get(row["metric"])
        if first is None:
            continue
        beside = "" if first["ratio"] is None else f"x{first['ratio']:.2f}"
        rest = "  ".join(
            f"{name} {number(figure['median'])}"
            for name, figure in metrics.items()
            if name != row["metric"]
        )
        amount = f"{number(first['median']):>9} ± {number(first['spread']):<6}"
        yield f"      {system:16} {amount} {row['metric']:18} {beside:7} {rest}"


def table(reached: list[dict[str, Any]]) -> Iterator[str]:
    """The printed lines of the goals."""
    yield f"{'goal':10} {'metric':22} {'against':16} {'now':>8} {'goal':>6} {'moonshot':>8}"
    for each in reached:
        yield (
            f"{each['scenario']:10} {each['metric']:22} {each['against'] or '(absolute)':16} "
            f"{each['now']:8.2f} {each['goal']:6.2f} {each['moonshot']:8.2f}  {each['verdict']}"
        )
