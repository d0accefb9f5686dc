"""Print the table of costs and record it.

    python -m tests.bench [--quick] [--scenario s1,s7] [--rounds 5] [--seconds 1]

Rounds go A B C A B C, so that neighbours share the machine's mood; a ratio is the median of the
rounds' own ratios.  Below 1 refuwsgi is cheaper than the other system.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import systems
from tests.bench.scenarios import SCENARIOS, Run, Scenario

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "bench.json"
SUBJECT = "refuwsgi"


def competitors(scenario: Scenario) -> list[str]:
    """Who takes part in a scenario, refuwsgi first."""
    return [*systems.uwsgi_like(), *(systems.peers() if scenario.with_peers else ())]


def measure(scenario: Scenario, rounds: int, seconds: float) -> dict[str, list[float]]:
    """The figures of every system, round by round; a system that fails is left out."""
    found: dict[str, list[float]] = {name: [] for name in competitors(scenario)}
    for _ in range(rounds):
        for system in list(found):
            with tempfile.TemporaryDirectory(prefix="bench-") as room:
                systems.furnish(Path(room))
                try:
                    figure = scenario.measure(Run(system, Path(room), seconds))
                except (RuntimeError, OSError) as error:
                    print(f"{scenario.name}: {system}: {error}", file=sys.stderr)
                    del found[system]
                else:
                    found[system].append(figure)
    return found


def summed(found: dict[str, list[float]]) -> dict[str, Any]:
    """Median, half the distance of the quartiles, and the ratio to refuwsgi."""
    ours = found.get(SUBJECT, [])
    figures = {}
    for system, rounds in found.items():
        ratios = [our / other for our, other in zip(ours, rounds, strict=False) if other]
        figures[system] = {
            "median": statistics.median(rounds),
            "spread": spread(rounds),
            "ratio": statistics.median(ratios) if ratios and system != SUBJECT else None,
        }
    return figures


def spread(rounds: list[float]) -> float:
    """Half the distance between the quartiles."""
    if len(rounds) < 2:
        return 0.0
    low, _, high = statistics.quantiles(rounds, n=4, method="inclusive")
    return (high - low) / 2


def rows(row: dict[str, Any]) -> Iterator[str]:
    """The lines of the printed table for one scenario."""
    yield f"{row['name']:5} {row['what']}"
    for system, figure in row["figures"].items():
        ratio = f"x{figure['ratio']:.2f}" if figure["ratio"] is not None else ""
        amount = f"{figure['median']:10.1f} ± {figure['spread']:<8.1f}"
        yield f"      {system:12} {amount} {row['unit']:11} {ratio}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance: one short round")
    parser.add_argument("--scenario", default="", help="comma separated names")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one load run")
    parser.add_argument("--no-record", action="store_true", help="do not write the results")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds, asked.no_record = 1, 0.4, True
    return asked


def main() -> None:
    """Measure, print, record."""
    asked = arguments()
    wanted = set(asked.scenario.split(",")) - {""}
    run: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "rounds": asked.rounds,
        "scenarios": [],
    }
    print("less is better; x is refuwsgi divided by the other")
    for scenario in SCENARIOS:
        if not wanted or scenario.name in wanted:
            figures = summed(measure(scenario, asked.rounds, asked.seconds))
            row = {"name": scenario.name, "what": scenario.what, "unit": scenario.unit}
            run["scenarios"].append({**row, "figures": figures})
            print("\n".join(rows(run["scenarios"][-1])), flush=True)
    if not wanted and not asked.no_record:
        RECORDED.parent.mkdir(parents=True, exist_ok=True)
        RECORDED.write_text(json.dumps(run, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
