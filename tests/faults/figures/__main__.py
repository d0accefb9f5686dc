"""Take a figure, print it with the machine, and fail below the bar.

    python -m tests.faults.figures M4 [M5 ...] [--full] [--set cycles=100] [--record]

What: the quick form has small numbers, --full those that were aimed for, --set changes one of
      them.  --record keeps what was measured, with the numbers that were used, in
      docs/results/figures.json.
Errors: the status is 1 when a figure is below its bar.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.figures import parsers, servers
from tests.faults.figures.figure import Numbers, Script

RECORDED = Path(__file__).parent.parent.parent.parent / "docs" / "results" / "figures.json"
HOUR = 3600.0
SCRIPTS = {
    "M1": Script(
        "any bytes to the parsers of heads, packets and announcements",
        "no find, no descriptor more",
        parsers.fuzzed,
        {"inputs": 20_000},
        {"inputs": 3_000_000},
    ),
    "M2": Script(
        "the requests of gunicorn's tests at three fronts, whole and in drips",
        "none hangs, the worker lives, 90 % of the invalid ones are refused",
        parsers.corpora,
        {"drip": 0},
        {"drip": 1},
    ),
    "M3": Script(
        "workers and routers killed at random under load",
        "nothing lost but what was inside them",
        servers.kills,
        {"seconds": 15.0},
        {"seconds": 600.0},
    ),
    "M4": Script(
        "graceful reloads under load; in full a flood at every front, with uploads and files",
        "no request lost",
        servers.reloads,
        {"reloads": 10, "requests": 0},
        {"reloads": 100, "requests": 1_000_000},
    ),
    "M5": Script(
        "vassals that sleep and are woken, clients at random moments",
        "no request lost",
        servers.wakes,
        {"cycles": 8, "together": 4},
        {"cycles": 10_000, "together": 30},
    ),
    "M6": Script(
        "clients in the middle of their heads, held by one http router",
        "p99 at most 1.5 times, p50 1.2 times the unloaded one, 10 kB each",
        servers.slow,
        {"clients": 500},
        {"clients": 10_000},
    ),
    "M7": Script(
        "the soak",
        "flat, nothing lost without a reason",
        servers.soaked,
        {"minutes": 1.0},
        {"minutes": 30.0},
    ),
    "M8": Script(
        "stalled downloads on one offload thread",
        "p99 of a dynamic request at most twice the unloaded one",
        servers.stalled,
        {"clients": 300},
        {"clients": 5000},
    ),
    "M9": Script(
        "good vassals beside broken ones, kills at random",
        "the good ones lose nothing but with a kill",
        servers.empires,
        {"seconds": 15.0, "broken": 20},
        {"seconds": HOUR, "broken": 500},
    ),
    "M10": Script(
        "keys of subscriptions",
        "lookup p99 at most 1 ms, 10 000 announcements a second",
        parsers.subscriptions,
        {"keys": 10_000},
        {"keys": 100_000},
    ),
    "M11": Script(
        "how much of the parsers is reached by tests, branches included",
        "quick 97 %, full 100 %",
        parsers.covered,
        {"percent": 97.0},
        {"percent": 100.0},
    ),
    "M12": Script(
        "until the only worker answers again after kill -9",
        "p99 at most 300 ms; on a busy machine, quick, 1 s",
        servers.respawns,
        {"kills": 10, "limit": 1.0},
        {"kills": 100, "limit": 0.3},
    ),
    "M13": Script(
        "reading the worst head of 64 kB",
        "10 ms; on a busy machine, quick, 30 ms",
        parsers.hostile,
        {"factor": 3},
        {"factor": 1},
    ),
}


def numbers_of(script: Script, full: bool, changes: list[str]) -> Numbers:
    """The numbers of a form, with what the command line changes."""
    numbers = dict(script.full if full else script.quick)
    for change in changes:
        key, _, value = change.partition("=")
        if key not in numbers:
            raise SystemExit(f"{key}: the numbers are {', '.join(numbers)}")
        numbers[key] = type(numbers[key])(value)
    return numbers


def taken(name: str, full: bool, changes: list[str]) -> dict[str, Any]:
    """Take one figure."""
    script = SCRIPTS[name]
    numbers = numbers_of(script, full, changes)
    began = time.monotonic()
    figure = script.take(numbers)
    return {
        "what": script.what,
        "bar": script.bar,
        "numbers": numbers,
        "full": numbers == script.full,
        "measured": figure.measured,
        "good": figure.good,
        "seconds": round(time.monotonic() - began),
        "date": time.strftime("%Y-%m-%d"),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Take what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.figures")
    parser.add_argument("figures", nargs="+", choices=[*SCRIPTS, "all"], metavar="M1..M13|all")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    names = list(SCRIPTS) if "all" in asked.figures else asked.figures
    print(f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}")
    bad = 0
    for name in names:
        row = taken(name, asked.full, asked.set)
        bad += not row["good"]
        verdict = "good" if row["good"] else "BELOW THE BAR"
        print(f"{name}: {json.dumps(row['measured'])}: {verdict}", flush=True)
        if asked.record:
            rows = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
            rows[name] = row
            rows = {key: rows[key] for key in SCRIPTS if key in rows}
            RECORDED.write_text(json.dumps(rows, indent=1) + "\n")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
