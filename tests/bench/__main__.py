"""Print the table of costs and record it.

    python -m tests.bench [--quick] [--scenario s1,s7] [--rounds 5] [--seconds 1] [--no-peers]

Rounds go A B C A B C, so that neighbours share the machine's mood; a ratio is the median of the
rounds' own ratios.  Below 1 refuwsgi is cheaper than the other system.
"""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.bench import growth, judge, living, machine, rivals, routing, serving
from tests.bench.rivals import System
from tests.bench.scenario import Measure, Scenario
from tests.bench.stage import Figures, Stage, load_generator, stage

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "bench.json"
SCENARIOS = [*serving.SCENARIOS, *routing.SCENARIOS, *living.SCENARIOS]
# What a glance leaves out: it takes long, by its nature.
LONG = {"s5f", "s8u", "s9-10000", "s9-100000", "s10-100", "s10-1000", "s11", "s11d", "s12"}
FEW = 3  # rounds of those that start everything anew
FAULTS = (RuntimeError, OSError, ValueError, KeyError, IndexError)


class Play:
    """One scenario, with all who take part."""

    def __init__(self, scenario: Scenario, systems: list[System], on: Stage) -> None:
        self._scenario = scenario
        self._stage = on
        self._measures: dict[str, Measure | None] = {}
        self._systems = [each for each in systems if each.command or each.name in scenario.peers]
        self.found: judge.Found = {}

    def run(self, rounds: int) -> judge.Found:
        """All rounds."""
        alone = self._scenario.alone
        for _ in range(min(rounds, FEW) if alone else rounds):
            for system in self._systems[:]:
                try:
                    figures = self._once(system)
                except FAULTS as fault:
                    print(f"{self._scenario.name} {system.name}: {fault!r:.300}", file=sys.stderr)
                    self._systems.remove(system)
                    continue
                for metric, figure in figures.items():
                    rows = self.found.setdefault(system.name, {})
                    rows.setdefault(metric, []).append(float(figure))
        return self.found

    def _once(self, system: System) -> Figures:
        set_up = self._scenario.set_up
        if self._scenario.alone:
            try:
                measure = set_up(self._stage, system)
                return measure() if measure else {}
            finally:
                self._stage.close()
        if system.name not in self._measures:
            self._measures[system.name] = set_up(self._stage, system)
        measure = self._measures[system.name]
        return measure() if measure else {}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance: one short round")
    parser.add_argument("--scenario", default="", help="comma separated names; s9 means all s9-...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one load")
    parser.add_argument("--no-peers", action="store_true", help="refuwsgi and C uWSGI alone")
    parser.add_argument("--no-record", action="store_true", help="do not write the results")
    parser.add_argument(
        "--earlier", default="", help="an interpreter with an earlier refuwsgi to compare with"
    )
    parser.add_argument(
        "--renew", action="store_true", help="with --scenario: replace these in the record"
    )
    parser.add_argument(
        "--into", default="", help="record this, all or a part, as a run beside the last one"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds, asked.no_record, asked.no_peers = 1, 0.3, True, True
    return asked


def wanted(asked: argparse.Namespace) -> list[Scenario]:
    """What is to be measured."""
    everything = [*SCENARIOS, *growth.SCENARIOS]
    if asked.scenario:
        names = asked.scenario.split(",")
        return [
            each
            for each in everything
            if any(each.name == name or each.name.startswith(f"{name}-") for name in names)
        ]
    if asked.quick:
        print("left out, as they take long: the curves and", *sorted(LONG))
        return [each for each in SCENARIOS if each.name not in LONG]
    return everything


def renewed(before: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """A record in which a run of a part has replaced what it measured."""
    rows = {row["name"]: row for row in run["scenarios"]}
    kept = [row["name"] for row in before["scenarios"] if row["name"] not in rows]
    goals = [goal for goal in before["goals"] if goal["scenario"] not in rows]
    order = [goal["scenario"] for goal in judge.goals()]
    # The record describes the run of which it has most.
    most, other = (before, run) if len(kept) > len(rows) else (run, before)
    machine = most["machine"]
    if most is before:
        machine += f"; of a later run of {run['rounds']} rounds: {', '.join(rows)}"
        if run["machine"].partition(", load")[0] not in machine:
            machine += f" ({run['machine']})"
    elif kept:
        machine += f"; of earlier runs: {', '.join(kept)} ({before['machine']})"
    return {
        **other,
        **most,
        "machine": machine,
        "earlier": run.get("earlier") or before.get("earlier", ""),
        "scenarios": [rows.get(row["name"], row) for row in before["scenarios"]],
        "goals": sorted([*goals, *run["goals"]], key=lambda goal: order.index(goal["scenario"])),
    }


def record(run: dict[str, Any], asked: argparse.Namespace) -> None:
    """Write what was measured so far, if that is wanted."""
    if asked.into:
        beside = RECORDED.with_name(f"bench-{asked.into}.json")
        beside.write_text(json.dumps(run, indent=1) + "\n", "utf-8")
        return
    if asked.renew and asked.scenario:
        run = renewed(json.loads(RECORDED.read_text("utf-8")), run)
    elif asked.scenario or asked.no_record:
        return
    RECORDED.write_text(json.dumps(run, indent=1) + "\n", "utf-8")


def main() -> None:
    """Measure, print, record."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.described(),
        "rounds": asked.rounds,
        "earlier": rivals.dated(asked.earlier) if asked.earlier else "",
        "scenarios": [],
    }
    systems = rivals.everybody(peers=not asked.no_peers, earlier=asked.earlier)
    results: dict[str, judge.Found] = {}
    print("less is better, but for rates; x is refuwsgi divided by the other")
    with load_generator() as loadgen:
        with stage(asked.seconds, loadgen) as on:
            run["references"] = machine.references(on)
        print(judge.told(run["references"]))
        for scenario in wanted(asked):
            with stage(asked.seconds, loadgen) as on:
                found = results[scenario.name] = Play(scenario, systems, on).run(asked.rounds)
            row = {"name": scenario.name, "what": scenario.what, "metric": scenario.metric}
            run["scenarios"].append({**row, "figures": judge.summed(found)})
            print("\n".join(judge.rows(run["scenarios"][-1])), flush=True)
            run["goals"] = list(judge.judged(results))
            if not asked.renew:
                record(run, asked)
    if asked.renew:
        record(run, asked)
    print("\n".join(judge.table(run["goals"])))


if __name__ == "__main__":
    main()
