"""The record of the fuzzing: every run of every target, and what they come to.

What: docs/results/fuzz.json has for each target its runs (seed, inputs, seconds, CPU seconds,
      finds) and how many inputs are kept.  A run replaces what its target had, or is added to it;
      targets that did not run keep theirs.
Units: seconds; cpu is the time that the target computed, which is less on a busy machine.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any, NamedTuple

RECORDED = Path(__file__).parent.parent.parent / "docs" / "results" / "fuzz.json"
SUMS = ("inputs", "seconds", "cpu", "finds")


class Run(NamedTuple):
    """What became of one target."""

    name: str
    seed: int
    engine: str
    inputs: int
    seconds: int
    cpu: int
    finds: int
    corpus: int


def merged(before: dict[str, Any], runs: list[Run], add: bool) -> dict[str, Any]:
    """A record with these runs in it."""
    targets = dict(before.get("targets", {}))
    date = time.strftime("%Y-%m-%d")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    for run in runs:
        row = {"date": date, **run._asdict()}
        name, corpus = row.pop("name"), row.pop("corpus")
        earlier = targets[name]["runs"] if add and name in targets else []
        targets[name] = {"corpus": corpus, "runs": [*earlier, row]}
    return {"machine": machine, "targets": targets}


def totals(target: dict[str, Any]) -> dict[str, int]:
    """What the runs of a target come to."""
    return {name: sum(run.get(name, 0) for run in target["runs"]) for name in SUMS}


def record(runs: list[Run], add: bool, path: Path = RECORDED) -> None:
    """Write them down."""
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(merged(before, runs, add), indent=1) + "\n", "utf-8")
