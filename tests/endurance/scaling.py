"""Reloads, cheaper, and processes killed at random, under load: which requests fail?

    python -m tests.endurance.scaling [--seconds 60] [--reloads 50] [--cycles 20] [--record]

What: clients ask over `http-socket` and through the HTTP router, without a pause that would hide
      anything.  Graceful reloads and cheaper cycles may lose no request at all.  While workers
      and routers are killed (-9) at random, a request may fail only if it was inside a process
      that was killed: the application notes in which worker each request is; for a router only
      the moment is known, and a failure counts as its own if it was under way at that moment.
      --record writes docs/results/scaling-endurance.json.  Exit status 1 if anything else failed.
Units: seconds.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.conformance.harness import (
    Starter,
    Subject,
    children,
    eventually,
    exchange,
    request,
    title,
)

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "scaling-endurance.json"
PATIENCE = 15.0  # a request that takes longer was forgotten by somebody
PAUSE = 0.004
APP = """
import os, time
notes = os.open("notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def application(environ, start_response):
    name = environ["QUERY_STRING"]
    os.write(notes, f"{name} {os.getpid()}\\n".encode())
    time.sleep(0.01 if name else 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 3000]
"""
SITE = """
http-socket = 127.0.0.1:PORT
http = 127.0.0.1:PORT1
socket = DIR/site.sock
http-processes = 2
master = true
processes = 4
threads = 2
auto-procname = true
disable-logging = true
listen = 1000
module = app
"""
CHEAPER = "cheaper = 1\ncheaper-overload = 1\ncheaper-step = 3\n"


class Failure(NamedTuple):
    """One request that did not get its answer."""

    name: str
    began: float
    ended: float
    reason: str
    routed: bool


class Kill(NamedTuple):
    """One process that was killed."""

    pid: int
    router: bool
    moment: float


class Clients:
    """Clients in threads, for as long as a with statement lasts."""

    def __init__(self, subject: Subject, count: int) -> None:
        self.done = 0
        self.failures: list[Failure] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        ports = [subject.ports["PORT"], subject.ports["PORT1"]]
        self._threads = [
            threading.Thread(target=self._run, args=(number, ports[number % 2], number % 2 == 1))
            for number in range(count)
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int, port: int, routed: bool) -> None:
        turn = 0
        while not self._over.is_set():
            turn += 1
            name = f"{number}-{turn}"
            began = time.monotonic()
            try:
                answer = exchange(port, request(f"/?{name}"))
                good = (answer.status, len(answer.body)) == (200, 3000)
                reason = "" if good else f"status {answer.status}, {len(answer.body)} bytes"
            except (OSError, AssertionError) as problem:
                reason = f"{type(problem).__name__}: {problem}"[:200]
            ended = time.monotonic()
            if not reason and ended - began > PATIENCE:
                reason = "forgotten"
            with self._lock:
                self.done += not reason
                if reason:
                    self.failures.append(Failure(name, began, ended, reason, routed))
            time.sleep(PAUSE)


def reload(subject: Subject) -> None:
    """Reload gracefully, and wait until all four workers are new."""
    since = len(subject.log)
    subject.signal(signal.SIGHUP)
    subject.wait_for(r"^gracefully \(RE\)spawned uWSGI master", since=since)
    subject.wait_for(r"^spawned uWSGI worker 4 ", since=since)


def reloads(start: Starter, count: int) -> dict[str, Any]:
    """Reload gracefully, over and over."""
    subject = start(SITE, files={"app.py": APP}, until="^spawned uWSGI worker 4 ")
    with Clients(subject, 4) as clients:
        for _ in range(count):
            reload(subject)
    return row("graceful reloads", count, clients, clients.failures)


def cycles(start: Starter, count: int) -> dict[str, Any]:
    """Let workers come under load and go without it, over and over."""
    subject = start(SITE + CHEAPER, files={"app.py": APP}, until="^spawned uWSGI worker 1 ")
    done = 0
    failures: list[Failure] = []
    for _ in range(count):
        with Clients(subject, 12) as clients:
            eventually(lambda: workers(subject) == 4, "four workers", 60)
        # A few clients go on while workers leave: that is when one could be lost.
        with Clients(subject, 1) as few:
            eventually(lambda: workers(subject) <= 2, "most have gone", 60)
        done += clients.done + few.done
        failures += clients.failures + few.failures
    return row("cheaper cycles", count, clients, failures, done)


def workers(subject: Subject) -> int:
    """How many workers there are."""
    return len(named(subject, "uWSGI worker"))


def named(subject: Subject, beginning: str) -> list[int]:
    """The processes whose titles begin so."""
    found = []
    for pid in children(subject.pid):
        try:
            if title(pid).startswith(beginning):
                found.append(pid)
        except OSError:
            pass  # it has just gone
    return found


def kills(start: Starter, seconds: float, seed: int) -> dict[str, Any]:
    """Kill workers and routers at random."""
    subject = start(SITE, files={"app.py": APP}, until="^spawned uWSGI worker 4 ")
    chance = random.Random(seed)
    killed: list[Kill] = []
    end = time.monotonic() + seconds
    with Clients(subject, 8) as clients:
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.2, 0.8))
            router = chance.random() < 0.3
            found = named(subject, "uWSGI http" if router else "uWSGI worker")
            if found:
                pid = chance.choice(found)
                os.kill(pid, signal.SIGKILL)
                killed.append(Kill(pid, router, time.monotonic()))
        eventually(lambda: workers(subject) == 4, "four workers again", 60)
        eventually(lambda: len(named(subject, "uWSGI http")) == 2, "two routers again", 60)
    inside = dict(line.split() for line in (subject.directory / "notes").read_text().splitlines())
    wrong = [each for each in clients.failures if not excused(each, killed, inside)]
    found_row = row("kill -9", len(killed), clients, wrong)
    found_row["failed inside a killed process"] = len(clients.failures) - len(wrong)
    return found_row


def excused(failure: Failure, killed: list[Kill], inside: dict[str, str]) -> bool:
    """Whether the request was inside a process that was killed."""
    if failure.ended - failure.began > PATIENCE:
        return False
    meanwhile = [each for each in killed if failure.began <= each.moment <= failure.ended + 0.05]
    if failure.routed and any(each.router for each in meanwhile):
        return True
    pids = {str(each.pid) for each in meanwhile if not each.router}
    # A worker may have accepted it and died before the application could note it.
    return bool(pids) and inside.get(failure.name, next(iter(pids), "")) in pids


def row(
    what: str, count: int, clients: Clients, wrong: list[Failure], done: int | None = None
) -> dict[str, Any]:
    """One line of the result."""
    for each in wrong[:10]:
        print(f"  {what}: {each}", file=sys.stderr)
    return {
        "what": what,
        "times": count,
        "requests answered": clients.done if done is None else done,
        "failed inside a killed process": 0,
        "failed otherwise": len(wrong),
        "reasons": dict(Counter(each.reason for each in wrong)),
    }


def run(seconds: float, count: int, turns: int, seed: int = 1) -> list[dict[str, Any]]:
    """Make the three runs."""
    start = Starter()
    try:
        found = [reloads(start, count), cycles(start, turns), kills(start, seconds, seed)]
    finally:
        start.close()
    return found


def main(words: list[str] | None = None) -> int:
    """Run, print, and say whether anything failed that must not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--reloads", type=int, default=50)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    runs = run(asked.seconds, asked.reloads, asked.cycles, asked.seed)
    for each in runs:
        print(json.dumps(each))
    if asked.record:
        machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
        record = {"date": datetime.date.today().isoformat(), "machine": machine, "runs": runs}
        RECORDED.write_text(json.dumps(record, indent=1) + "\n")
    return int(any(each["failed otherwise"] for each in runs))


if __name__ == "__main__":
    sys.exit(main())
