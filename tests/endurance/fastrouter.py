"""A mixed fleet for minutes: nodes are killed and leave, routers are reloaded, all under load.

    python -m tests.endurance.fastrouter [--seconds 60] [--clients 4] [--seed 1] [--record]

What: our router and the original's ($ORIGINAL_UWSGI) with two nodes of each kind, signed, under
      one nginx.  A random event follows the other.  Clients of `both` may be served by either
      router and must never fail; clients of one router may lose what a killed node had taken, one
      request of each client and kill at most.  --record writes docs/results/fleet.json.
Units: seconds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conformance.harness import Starter
from tests.integration import nginx, original
from tests.integration.fleet import Crowd, Fleet

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "fleet.json"
LOCATIONS = ("ours", "original", "both")
NO_NODE = "no node takes the connection"


def live(fleet: Fleet, seconds: float, dice: random.Random) -> Counter[str]:
    """Let events happen until the time is over; how often each did."""
    happened: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        event = dice.choice(("kill", "kill two", "leave", "reload ours", "reload original"))
        if event.startswith("reload"):
            fleet.reload(event.removeprefix("reload "))
        elif event == "leave":
            fleet.leave(dice.choice(fleet.nodes))
        else:
            fleet.kill(*dice.sample(fleet.nodes, 2 if event == "kill two" else 1))
        happened[event] += 1
        print(f"{end - time.monotonic():6.1f} s to go, after {event}", flush=True)
    return happened


def run(seconds: float, clients: int, seed: int) -> dict[str, Any]:
    """Run a fleet; what was counted."""
    start = Starter()
    try:
        with Fleet(start) as fleet:
            crowds = {name: Crowd(fleet.web.port, name, clients) for name in LOCATIONS}
            with crowds["ours"], crowds["original"], crowds["both"]:
                happened = live(fleet, seconds, random.Random(seed))
            log = fleet.routers["ours"].subject.log
    finally:
        start.close()
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}, "
        f"CPython {platform.python_version()}",
        "seed": seed,
        "events": dict(happened),
        "lost by our router": log.count(NO_NODE),
        "runs": [
            {
                "router": name,
                "seconds": seconds,
                "clients": clients,
                "answered": dict(sorted(crowd.answers.items())),
                "failed": dict(Counter(text.partition(" after")[0] for text in crowd.failures)),
                "events": dict(happened),
            }
            for name, crowd in crowds.items()
        ],
    }


def main() -> int:
    """Run it and print the counts; 1 when a request was lost."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--seconds", type=float, default=60.0)
    reader.add_argument("--clients", type=int, default=4)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--record", action="store_true")
    asked = reader.parse_args()
    if original.PROGRAM is None or nginx.PROGRAM is None:
        print("absent: no uwsgi or no nginx", file=sys.stderr)
        return 2
    found = run(asked.seconds, asked.clients, asked.seed)
    text = json.dumps(found, indent=1)
    print(text)
    if asked.record:
        RECORDED.write_text(text + "\n", "utf-8")
    both = found["runs"][LOCATIONS.index("both")]
    return int(bool(both["failed"] or found["lost by our router"]))


if __name__ == "__main__":
    sys.exit(main())
