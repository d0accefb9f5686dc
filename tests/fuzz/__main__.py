"""Fuzz every parser for a while and tell how many inputs it took.

    python -m tests.fuzz --seconds 60 [--inputs 10000000] [--record [--add]] [--seed 1] [TARGET ...]

What: runs the targets one after the other, each in a process of its own until it had so many
      seconds or inputs, and prints a table.  --record writes docs/results/fuzz.json and lets the
      kept corpus grow by what is new; a target's runs of before stay there with --add.
Units: seconds of the clock; the CPU seconds of a run stand beside them.
Errors: the status is 1 when there was a find; its input stands in .cache/fuzz/.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.engine import has_atheris
from tests.fuzz.record import Run, record
from tests.fuzz.reduce import reduced
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent
FOUND = ROOT / ".cache" / "fuzz"
COUNT = re.compile(r"(?:inputs:|number_of_executed_units:) +(\d+)")
ENGINE = "guided by coverage (atheris)" if has_atheris() else "by chance"


def run(name: str, asked: argparse.Namespace) -> Run:
    """Fuzz one target."""
    FOUND.mkdir(parents=True, exist_ok=True)
    began, cpu = time.monotonic(), cpu_of_children()
    with tempfile.TemporaryDirectory() as place:
        limits = map(str, (asked.seconds, asked.inputs, asked.seed))
        words = [sys.executable, "-m", "tests.fuzz.engine", name, *limits, place]
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
        seconds, cpu = time.monotonic() - began, cpu_of_children() - cpu
        counted = COUNT.search(done.stdout)
        if done.returncode:
            print(done.stdout[-4000:])
        corpus = reduced(name, Path(place)) if asked.record and not done.returncode else 0
    inputs, find = int(counted[1]) if counted else 0, int(done.returncode != 0)
    return Run(name, asked.seed, ENGINE, inputs, round(seconds), round(cpu), find, corpus)


def cpu_of_children() -> float:
    """The CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--inputs", type=int, default=0, help="for each target; 0: no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--add", action="store_true", help="to the recorded runs of a target")
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    asked = parser.parse_args()
    print("guided by coverage" if has_atheris() else "by chance: atheris is not installed")
    runs = []
    for name in asked.targets:
        runs.append(run(name, asked))
        print(f"{name:14} {runs[-1].inputs:10} inputs  {runs[-1].cpu:5} CPU seconds"
              f"  {runs[-1].finds} finds", flush=True)  # fmt: skip
        if asked.record:
            record(runs[-1:], asked.add)
    return int(any(run.finds for run in runs))


if __name__ == "__main__":
    sys.exit(main())
