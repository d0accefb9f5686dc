"""Run everything at once under load, with kills and reloads, and see that it stays flat.

    python -m tests.soak --minutes 10 [--seed 1] [--record] [--clients 6]

What: warms up, with one reload of everything, since what was reloaded runs in an interpreter of
      its own and shares fewer pages than what was just started; looks at the processes while
      nobody asks anything, then for so many minutes loads, kills and reloads, looks every few
      seconds, and at the end looks again at rest.
      --record writes docs/results/soak.json.
Errors: the status is 1 when something has grown, or a request was lost without a reason.
"""

import argparse
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.conformance.harness import Starter, touch
from tests.soak.place import Place
from tests.soak.samples import Sample, grown, taken
from tests.soak.traffic import Traffic

RECORDED = Path(__file__).parent.parent.parent / "docs" / "results" / "soak.json"
LOOK = 5.0  # seconds between two looks
WARM_UP = 30.0
REST = 15.0  # seconds until idle workers have gone and the sleeper sleeps


def kill(pid: int) -> None:
    """Kill a process, if it is still there."""
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def harms(place: Place, dice: random.Random) -> dict[str, Callable[[], None]]:
    """What is done to the servers."""
    vassals = sorted(place.vassals.glob("*.ini"))
    return {
        "kill a worker": lambda: kill(place.worker()),
        "kill the http router": lambda: kill(place.gateway(place.site, "http")),
        "kill the fastrouter": lambda: kill(place.gateway(place.router, "fastrouter")),
        "kill a worker of a vassal": lambda: kill(place.vassal_worker()),
        "reload the site": lambda: place.site.signal(signal.SIGHUP),
        "reload the router": lambda: place.router.signal(signal.SIGHUP),
        "touch a vassal": lambda: touch(str(dice.choice(vassals))),
    }


class Soak:
    """One run."""

    def __init__(self, place: Place, temporary: Path, asked: argparse.Namespace) -> None:
        self.place = place
        self.temporary = temporary
        self.asked = asked
        self.dice = random.Random(asked.seed)
        self.began = time.monotonic()
        self.samples: list[Sample] = []
        self.done: Counter[str] = Counter()

    def look(self, requests: int = 0) -> Sample:
        """Count what there is now."""
        return taken(self.place.subjects, self.temporary, self.began, requests)

    def load(self, traffic: Traffic, seconds: float, harm: bool) -> None:
        """Load for a while."""
        chosen = harms(self.place, self.dice)
        end = time.monotonic() + seconds
        next_look, next_harm = time.monotonic(), time.monotonic() + 2
        while (now := time.monotonic()) < end:
            if now >= next_look:
                next_look = now + LOOK
                self.samples.append(self.look(sum(traffic.answered.values())))
            if harm and now >= next_harm:
                next_harm = now + self.dice.uniform(6, 14)
                name = self.dice.choice(list(chosen))
                traffic.harmed = now
                chosen[name]()
                self.done[name] += 1
            time.sleep(0.2)

    def run(self) -> dict[str, object]:
        """Warm up, load, rest; what came of it."""
        with Traffic(self.place, self.asked.clients, 0) as warm:
            self.load(warm, WARM_UP / 2, harm=False)
            self.place.reload_all()
            self.load(warm, WARM_UP / 2, harm=False)
        time.sleep(REST)
        before = self.look()
        self.samples.clear()
        with Traffic(self.place, self.asked.clients, self.asked.seed) as traffic:
            self.load(traffic, self.asked.minutes * 60, harm=True)
        time.sleep(REST)
        after = self.look()
        return {
            "date": time.strftime("%Y-%m-%d"),
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
            "minutes": self.asked.minutes,
            "seed": self.asked.seed,
            "clients": self.asked.clients,
            "answered": dict(traffic.answered),
            "harm": dict(self.done),
            "lost": Counter(text.partition(":")[0] for _, text in traffic.lost),
            "unexplained": traffic.unexplained,
            "grown": grown(before, after, self.samples),
            "before": before._asdict(),
            "after": after._asdict(),
            "samples": [list(sample) for sample in self.samples],
            "names": list(Sample._fields),
        }


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    starter = Starter()
    with tempfile.TemporaryDirectory() as name:
        try:
            run = Soak(Place(starter, Path(name)), Path(name), asked).run()
        finally:
            starter.close()
    shown = {key: value for key, value in run.items() if key not in ("samples", "names")}
    print(json.dumps(shown, indent=1))
    if asked.record:
        RECORDED.write_text(json.dumps(run) + "\n")
    return int(bool(run["grown"] or run["unexplained"]))


if __name__ == "__main__":
    sys.exit(main())
