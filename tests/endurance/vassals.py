"""Vassals that fall asleep and are woken, over and over: is a single request lost?

    python -m tests.endurance.vassals [--cycles 200] [--together 8] [--record]

What: an emperor with several vassals behind UNIX sockets and as many behind TCP ones, each with
      `idle = 1` and `die-on-idle`.  Small crowds of clients come at random moments: some around the
      time at which a vassal will find that it is idle, some just after it has said goodbye.  A
      cycle is one return to sleep.  The same run is made on refuwsgi and on the original
      ($ORIGINAL_UWSGI).  --record writes docs/results/sleep-wake.json.
Units: seconds.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.conformance.harness import Late, Starter, ask, binary, free_port
from tests.conformance.vassals.empire import Empire, added, rule
from tests.endurance.runs import each_binary, record

RECORDED = "sleep-wake"
IDLE = 1
LINES = ("processes = 2", f"idle = {IDLE}", "die-on-idle = true")
GOING = re.compile(r"bringing back instance (\S+)\.ini to on-demand mode")
ASLEEP = re.compile(r'(\S+)\.ini -> back to "on demand" mode')
PATIENCE = 60.0  # for a vassal that nobody asks to fall asleep


class Watch:
    """Reads the emperor's log as it grows: who is going to sleep, and how often each has slept."""

    def __init__(self, empire: Empire) -> None:
        self._empire = empire
        self._news = threading.Condition()
        self._going: Counter[str] = Counter()
        self._slept: Counter[str] = Counter()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with self._empire.subject.log_path.open("rb") as log:
            rest = ""
            while not self._done.wait(0.002):
                *lines, rest = (rest + log.read().decode("latin-1")).split("\n")
                with self._news:
                    for line in lines:
                        self._going.update(GOING.findall(line))
                        self._slept.update(ASLEEP.findall(line))
                    self._news.notify_all()

    def close(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def slept(self, name: str) -> int:
        """How often a vassal has gone back to sleep."""
        return self._slept[name]

    def is_going(self, name: str) -> bool:
        """Whether a vassal is on its way to sleep right now."""
        return self._going[name] > self._slept[name]

    def goodbye(self, name: str) -> None:
        """Wait until a vassal says goodbye once more."""
        with self._news:
            before = self._going[name]
            self._news.wait_for(lambda: self._going[name] > before, PATIENCE)


class Tally:
    """What became of the requests to vassals of one kind."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.requests = self.in_the_gap = self.cycles = 0
        self.slowest = 0.0
        self._lock = threading.Lock()

    def add(self, outcome: str, took: float, in_the_gap: bool) -> None:
        """Note one request."""
        with self._lock:
            self.requests += 1
            self.in_the_gap += in_the_gap
            self.slowest = max(self.slowest, took)
            if outcome != "answered":
                self.lost[outcome] += 1

    def told(self, kind: str) -> dict[str, Any]:
        """The record of it."""
        return {
            "binary": binary.name(),
            "socket": kind,
            "cycles": self.cycles,
            "requests": self.requests,
            "while it went to sleep": self.in_the_gap,
            "answered": self.requests - sum(self.lost.values()),
            "lost": dict(sorted(self.lost.items())),
            "slowest": round(self.slowest, 2),
        }


def outcome_of(address: str) -> str:
    """Make one request; how it ended, in a word."""
    try:
        answer = ask(address, f"/sleep?{random.choice((0, 0, 0.05, 0.2))}")
    except (Late, TimeoutError):
        return "no answer in time"
    except OSError as error:
        return error.strerror or repr(error)
    if answer.status == 200:
        return "answered"
    return "reset" if answer.end == "reset" else f"closed after {len(answer.raw)} bytes"


def crowd(name: str, address: str, watch: Watch, tally: Tally) -> None:
    """Let one to four clients come within a moment."""

    def client(delay: float) -> None:
        time.sleep(delay)
        gap, began = watch.is_going(name), time.monotonic()
        outcome = outcome_of(address)
        tally.add(outcome, time.monotonic() - began, gap)

    delays = [0.0] + [random.uniform(0, 0.3) for _ in range(random.randrange(4))]
    with ThreadPoolExecutor(len(delays)) as pool:
        list(pool.map(client, delays))


def tend(name: str, address: str, cycles: int, watch: Watch, tally: Tally) -> None:
    """Come back to one vassal until it has slept so many times, then once more."""
    turn = 0
    while watch.slept(name) < cycles:
        crowd(name, address, watch, tally)
        turn += 1
        if turn % 2:
            watch.goodbye(name)
            time.sleep(random.uniform(0, random.choice((0, 0.02, 0.25))))
        else:
            time.sleep(random.uniform(IDLE - 0.1, IDLE + 1.5))
    crowd(name, address, watch, tally)
    tally.cycles += cycles


def run(start: Starter, cycles: int, together: int) -> list[dict[str, Any]]:
    """Run so many cycles with sockets of either kind, spread over so many vassals of each."""
    empire = rule(start, "--emperor-on-demand-extension", ".socket")
    watch = Watch(empire)
    tallies = {"UNIX": Tally(), "TCP": Tally()}
    try:
        with ThreadPoolExecutor(2 * together) as pool:
            jobs = []
            for kind, tally in tallies.items():
                for number in range(together):
                    name = f"{kind.lower()}{number}"
                    address = f"127.0.0.1:{free_port()}" if kind == "TCP" else ""
                    address = added(empire, name, *LINES, address=address)
                    share = cycles // together + (number < cycles % together)
                    jobs.append(pool.submit(tend, name, address, share, watch, tally))
            for job in jobs:
                job.result()
    finally:
        watch.close()
    return [tally.told(kind) for kind, tally in tallies.items()]


def main() -> int:
    """Run, print, record; 1 if a request to ours was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.vassals")
    parser.add_argument("--cycles", type=int, default=200, help="for each kind of socket")
    parser.add_argument("--together", type=int, default=8, help="vassals of each kind")
    parser.add_argument("--record", action="store_true", help=f"write docs/results/{RECORDED}.json")
    parser.add_argument("--alone", action="store_true", help="$SUT only, JSON")
    asked = parser.parse_args()
    rows = each_binary(
        "tests.endurance.vassals",
        asked.alone,
        lambda start: run(start, asked.cycles, asked.together),
        ("--cycles", str(asked.cycles), "--together", str(asked.together)),
    )
    if asked.record:
        record(RECORDED, rows)
    return int(any(row["lost"] for row in rows if row["binary"] == "refuwsgi"))


if __name__ == "__main__":
    sys.exit(main())
