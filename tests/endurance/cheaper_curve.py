"""The curve of a real server under a load, to be laid beside that of `refuwsgi simulate`.

    python -m tests.endurance.cheaper_curve [--algo spare] [--record]

What: requests are sent at fixed moments whatever the answers do; once a second the stats server is
      asked how many workers there are, how many are busy, and how many clients wait.
      --record writes docs/results/cheaper-curve.json, from which the manual draws both curves.
Units: seconds; a load is requests a second, one number for each second.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.conformance.harness import Starter, Subject, get, stats

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "cheaper-curve.json"
SERVICE = 0.5
MOST, LEAST = 6, 1
LOAD = [1.0] * 8 + [8.0] * 25 + [1.0] * 27
MORE = ["cheaper-overload=2"]
SITE = f"""
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
master = true
processes = {MOST}
cheaper = {LEAST}
disable-logging = true
module = app
"""
APP = f"""
import time
def application(environ, start_response):
    time.sleep({SERVICE})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


class Asker:
    """Sends requests at their moments, each from a thread of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.waits: list[float] = []
        self.failed = 0

    def send(self) -> None:
        """Send one."""
        thread = threading.Thread(target=self._ask)
        self._threads.append(thread)
        thread.start()

    def _ask(self) -> None:
        began = time.monotonic()
        try:
            good = get(self._port, "/").status == 200
        except (OSError, AssertionError):
            good = False
        with self._lock:
            self.failed += not good
            self.waits.append(max(0.0, time.monotonic() - began - SERVICE))

    def finish(self) -> None:
        """Wait for the last answer."""
        for thread in self._threads:
            thread.join()


def moments(load: list[float]) -> list[float]:
    """When each request is sent: evenly within its second, as the simulator has it."""
    found = []
    owed = 0.0
    for begin, rate in enumerate(load):
        owed = round(owed + rate, 6)
        count = int(owed)
        owed -= count
        found += [begin + place / count for place in range(count)]
    return found


def sampled(subject: Subject) -> list[int]:
    """Workers, busy ones, waiting clients."""
    told: Any = stats(subject.ports["PORT1"])
    living = [each for each in told["workers"] if each["pid"]]
    busy = sum(each["status"] == "busy" for each in living)
    return [len(living), busy, told["listen_queue"]]


def run(algo: str, load: list[float]) -> dict[str, Any]:
    """Make the run."""
    start = Starter()
    seconds: list[list[int]] = []
    try:
        settings = "".join(each.replace("=", " = ") + "\n" for each in MORE)
        ini = f"{SITE}cheaper-algo = {algo}\n{settings}"
        subject = start(ini, files={"app.py": APP}, until="^spawned uWSGI worker 1 ")
        asker = Asker(subject.port)
        began = time.monotonic()
        todo = moments(load)
        while todo or len(seconds) < len(load):
            now = time.monotonic() - began
            while todo and todo[0] <= now:
                todo.pop(0)
                asker.send()
            if now >= len(seconds) + 1:
                seconds.append(sampled(subject))
            due = min([len(seconds) + 1, *todo[:1]]) - (time.monotonic() - began)
            time.sleep(max(0.0, min(due, 0.05)))
        asker.finish()
    finally:
        start.close()
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs",
        "algorithm": algo,
        "options": MORE,
        "most": MOST,
        "least": LEAST,
        "service": SERVICE,
        "load": load,
        "seconds": seconds,
        "served": len(asker.waits) - asker.failed,
        "longest": round(max(asker.waits), 3),
        "waited": round(sum(asker.waits) / len(asker.waits), 3),
    }


def main(words: list[str] | None = None) -> int:
    """Run, print, and say whether every request was answered."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--algo", default="spare")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    found = run(asked.algo, LOAD)
    print(json.dumps(found))
    if asked.record:
        RECORDED.write_text(json.dumps(found) + "\n")
    return int(found["served"] < len(moments(LOAD)))


if __name__ == "__main__":
    sys.exit(main())
