"""An empire whose members are killed at random, beside fifty vassals that are broken.

    python -m tests.endurance.empire [--seconds 60] [--broken 50] [--record]

What: an emperor, vassals on demand that nobody touches (the quiet ones), vassals on demand whose
      masters and workers are killed with signal 9 (the victims), and broken ones that die at once.
      All but the broken are asked all the time.  Every quarter of the run the emperor itself is
      killed, everything that was its must be gone by itself, and it is started again.
      A request may be lost when a process that could have had it was killed meanwhile, or the
      emperor was away; every other loss counts.  --record writes docs/results/empire.json.
Units: seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from tests.conformance.harness import Late, Starter, Subject, ask, binary, eventually
from tests.conformance.vassals.empire import Empire, added, rule
from tests.endurance.runs import each_binary, record

RECORDED = "empire"
WORDS = ("--emperor-on-demand-extension", ".socket", "--vacuum")
GROUP = 3  # quiet ones, and as many victims
MARGIN = 2.0  # a signal takes its time, on a busy machine more of it
MINUTE = 60.0


class Load:
    """Clients of one vassal, one request after the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests = self.answered = 0
        self.lost: list[tuple[float, float, str]] = []  # begin, end, how
        self.pids: dict[str, int] = {}
        self.kills: list[float] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over.wait(random.uniform(0.01, 0.1)):
            began, how = time.monotonic(), "no answer in time"
            with suppress(Late, TimeoutError):
                how = self._once()
            self.requests += 1
            if how:
                self.lost.append((began, time.monotonic(), how))
            else:
                self.answered += 1

    def _once(self) -> str:
        try:
            answer = ask(self.address, f"/sleep?{random.choice((0, 0.02))}")
            told = answer.json() if answer.status == 200 else {}
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            return str(error)
        if told:
            self.pids = {"vassal": told["master"], "worker": told["worker"]}
            return ""
        return f"{answer.end} after {len(answer.raw)} bytes"

    def close(self) -> None:
        """Ask no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def unexplained(self, away: list[tuple[float, float]]) -> list[str]:
        """How requests were lost for which neither a kill nor an absence of the emperor counts."""
        spans = [*away, *((kill, kill) for kill in self.kills)]
        return [
            how
            for began, ended, how in self.lost
            if not any(began <= end + MARGIN and start <= ended + MARGIN for start, end in spans)
        ]


class Trial:
    """The empire, its clients, and what happened."""

    def __init__(self, start: Starter, broken: int) -> None:
        self.start = start
        self.empire = rule(start, *WORDS)
        self.quiet = [Load(added(self.empire, f"quiet{n}")) for n in range(GROUP)]
        self.victims = [Load(added(self.empire, f"victim{n}")) for n in range(GROUP)]
        self.killed = {"vassal": 0, "worker": 0, "emperor": 0}
        self.away: list[tuple[float, float]] = []
        self.tracebacks = 0
        for number in range(broken):
            self.empire.put(f"broken{number}.ini", "need-app = true", "env = BROKEN=1")

    def kill_somebody(self) -> None:
        """Kill the master or the worker of a victim."""
        victim = random.choice(self.victims)
        what = random.choice(("vassal", "worker"))
        pid = victim.pids.pop(what, 0)
        if pid:
            victim.kills.append(time.monotonic())
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[what] += 1

    def kill_the_emperor(self) -> None:
        """Kill it, see everything end that was its, start it again, see everybody served."""
        before, began = self.empire.subject, time.monotonic()
        before.signal(signal.SIGKILL)
        self.killed["emperor"] += 1
        before.ended()
        eventually(lambda: not before.family(), "nobody outlives the emperor", MINUTE)
        self.tracebacks += before.log.count("Traceback")
        again = Subject(before.directory, before.argv, {})
        self.start.subjects.append(again)
        again.wait_listening(self.empire.path("stats.sock"))
        self.empire = Empire(again)
        for load in (*self.quiet, *self.victims):
            answered = load.answered
            eventually(lambda n=answered, x=load: x.answered > n, "served again", MINUTE)  # type: ignore[misc]
        self.away.append((began, time.monotonic()))

    def close(self) -> list[str]:
        """End everything; what is left of it."""
        for load in (*self.quiet, *self.victims):
            load.close()
        subject = self.empire.subject
        subject.signal(signal.SIGINT)
        subject.ended(MINUTE)
        with suppress(Late):
            eventually(lambda: not subject.family(), limit=MINUTE)
        self.tracebacks += subject.log.count("Traceback")
        left = [f"process {pid}" for pid in subject.family()]
        return left + sorted(p.name for p in subject.directory.iterdir() if p.is_socket())


def told(loads: list[Load], away: list[tuple[float, float]]) -> tuple[int, int, list[str]]:
    """Requests, losses that are explained, the others."""
    unexplained = [how for load in loads for how in load.unexplained(away)]
    lost = sum(len(load.lost) for load in loads)
    return sum(load.requests for load in loads), lost - len(unexplained), unexplained


def run(start: Starter, seconds: float, broken: int, emperors: int = 3) -> dict[str, Any]:
    """Let it happen for so long."""
    trial = Trial(start, broken)
    for _ in range(emperors + 1):
        end = time.monotonic() + seconds / (emperors + 1)
        while time.monotonic() < end:
            time.sleep(random.uniform(0.1, 0.6))
            trial.kill_somebody()
        if trial.killed["emperor"] < emperors:
            trial.kill_the_emperor()
    left = trial.close()
    requests, away, quiet = told(trial.quiet, trial.away)
    hurt, explained, unexplained = told(trial.victims, trial.away)
    return {
        "binary": binary.name(),
        "seconds": seconds,
        "killed": trial.killed,
        "requests to the quiet": requests,
        "lost while the emperor was away": away,
        "lost otherwise": len(quiet),
        "requests to the victims": hurt,
        "lost with a kill": explained,
        "lost without": len(unexplained),
        "tracebacks": trial.tracebacks,
        "left": left,
        "how": sorted({*quiet, *unexplained}),
    }


def main() -> int:
    """Run on ours and on the original, print, record; 1 if ours lost what it must not lose."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.empire")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--broken", type=int, default=50)
    parser.add_argument("--record", action="store_true", help=f"write docs/results/{RECORDED}.json")
    parser.add_argument("--alone", action="store_true", help="$SUT only, JSON")
    asked = parser.parse_args()
    rows = each_binary(
        "tests.endurance.empire",
        asked.alone,
        lambda start: [run(start, asked.seconds, asked.broken)],
        ("--seconds", str(asked.seconds), "--broken", str(asked.broken)),
    )
    if asked.record:
        record(RECORDED, rows)
    bad = ("lost otherwise", "lost without", "tracebacks", "left")
    return int(any(row[name] for row in rows if row["binary"] == "refuwsgi" for name in bad))


if __name__ == "__main__":
    sys.exit(main())
