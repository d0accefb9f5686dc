"""Fuzz every parser for a while and tell how many inputs it took.

    python -m tests.fuzz --seconds 60 [--record] [--seed 1] [TARGET ...]

What: runs the targets one after the other, each in a process of its own, and prints a table.
      --record writes docs/results/fuzz.json and lets the kept corpus grow by what is new.
Errors: the status is 1 when there was a find; its input stands in .cache/fuzz/.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.engine import has_atheris
from tests.fuzz.reduce import reduced
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent
RECORDED = ROOT / "docs" / "results" / "fuzz.json"
FOUND = ROOT / ".cache" / "fuzz"
COUNT = re.compile(r"(?:inputs:|number_of_executed_units:) +(\d+)")


class Run(NamedTuple):
    """What became of one target."""

    name: str
    inputs: int
    seconds: int
    finds: int
    corpus: int


def run(name: str, seconds: int, seed: int, record: bool) -> Run:
    """Fuzz one target."""
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "tests.fuzz.engine", name, str(seconds), str(seed), place]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            words,
            cwd=FOUND,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="latin-1",
            check=False,
        )
        counted = COUNT.search(done.stdout)
        if done.returncode:
            print(done.stdout[-4000:])
        corpus = reduced(name, Path(place)) if record and not done.returncode else 0
    return Run(name, int(counted[1]) if counted else 0, seconds, int(done.returncode != 0), corpus)


def record_of(runs: list[Run], seed: int) -> dict[str, object]:
    """What docs/results keeps."""
    engine = "guided by coverage (atheris)" if has_atheris() else "by chance"
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    targets = {run.name: run._asdict() for run in runs}
    date = time.strftime("%Y-%m-%d")
    return {"date": date, "machine": machine, "engine": engine, "seed": seed, "targets": targets}


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    asked = parser.parse_args()
    print("guided by coverage" if has_atheris() else "by chance: atheris is not installed")
    runs = []
    for name in asked.targets:
        runs.append(run(name, asked.seconds, asked.seed, asked.record))
        print(f"{name:14} {runs[-1].inputs:10} inputs  {runs[-1].finds} finds", flush=True)
    if asked.record:
        RECORDED.write_text(json.dumps(record_of(runs, asked.seed), indent=1) + "\n")
    return int(any(run.finds for run in runs))


if __name__ == "__main__":
    sys.exit(main())
