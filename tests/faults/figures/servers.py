"""M3 to M9, M12: whole servers, harmed and loaded."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

from tests.conformance.harness import Client, Starter, Subject, exchange, request
from tests.endurance import empire, scaling, storm, vassals
from tests.faults.figures.figure import Figure, Numbers, at, milliseconds, starter, timed
from tests.faults.test_kills import process
from tests.integration.around import many_descriptors

SITE = """
http-socket = 127.0.0.1:PORT
http = 127.0.0.1:PORT1
http-timeout = 600
socket-timeout = 600
master = true
processes = 1
threads = 2
listen = 1000
offload-threads = 1
check-static = DIR/files
module = case_app
"""
CLOSE = ("Connection", "close")
HELLO = request("/hello", headers=[CLOSE])
SOME = 300  # requests of one measurement
WORTH_KEEPING = 10.0  # minutes of a soak


def site(start: Starter) -> Subject:
    """A site of one worker."""
    files: dict[str, str | bytes] = {"files/big.bin": bytes(4_000_000)}
    return start(SITE, files=files, until=r"^spawned 1 offload threads for uWSGI worker 1")


def kills(numbers: Numbers) -> Figure:
    """M3: processes killed at random moments."""
    with starter() as start:
        row = scaling.kills(start, numbers["seconds"], 1)
    return Figure(row, not row["failed otherwise"])


def reloads(numbers: Numbers) -> Figure:
    """M4: reloads under load; a flood of requests comes from a load generator written in C."""
    with starter() as start:
        if numbers["requests"]:
            row = storm.run(start, numbers["requests"], numbers["reloads"])
            return Figure(row, not row["lost"])
        row = scaling.reloads(start, numbers["reloads"])
    return Figure(row, not row["failed otherwise"])


def wakes(numbers: Numbers) -> Figure:
    """M5: vassals that fall asleep and are woken, with clients at random moments.

    Half of the cycles are of vassals behind UNIX sockets, half of those behind TCP ones.
    """
    with starter() as start:
        rows = vassals.run(start, numbers["cycles"] // 2, numbers["together"])
    return Figure({"runs": rows}, not any(row["lost"] for row in rows))


def answered(port: int) -> list[float]:
    """How long requests take now."""

    def ask() -> None:
        assert exchange(port, HELLO).text == "hello"

    return timed(ask, SOME)


def compared(before: list[float], after: list[float]) -> Numbers:
    """Two measurements side by side."""
    return {
        "p50 ms unloaded": milliseconds(at(0.5, before)),
        "p50 ms": milliseconds(at(0.5, after)),
        "p99 ms unloaded": milliseconds(at(0.99, before)),
        "p99 ms": milliseconds(at(0.99, after)),
    }


def slow(numbers: Numbers) -> Figure:
    """M6: clients in the middle of their heads, held by one router."""
    count = numbers["clients"]
    with many_descriptors(count + 200), starter() as start, ExitStack() as stack:
        subject = site(start)
        port = subject.ports["PORT1"]
        router = process(subject, "http 1")
        before, memory = answered(port), resident(router)
        for _ in range(count):
            stack.enter_context(Client(port, b"GET / HT"))
        after = answered(port)
        each = (resident(router) - memory) / count
    measured = {"held": count, "bytes each": round(each), **compared(before, after)}
    p50 = at(0.5, after) <= 1.2 * at(0.5, before) + 0.001
    p99 = at(0.99, after) <= 1.5 * at(0.99, before) + 0.005
    return Figure(measured, p50 and p99 and each <= 10_000)


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stalled(numbers: Numbers) -> Figure:
    """M8: downloads that nobody reads, on one offload thread."""
    count = numbers["clients"]
    with many_descriptors(count + 200), starter() as start, ExitStack() as stack:
        subject = site(start)
        before = answered(subject.port)
        for _ in range(count):
            client = Client(subject.port, request("/big.bin"), receive_buffer=4096)
            stack.enter_context(client)
            client.until(b"\r\n\r\n")
        after = answered(subject.port)
    good = at(0.99, after) <= 2 * at(0.99, before) + 0.005
    return Figure({"stalled": count, **compared(before, after)}, good)


def soaked(numbers: Numbers) -> Figure:
    """M7: the soak, as its own script runs it; of a long one the curves are kept."""
    minutes = numbers["minutes"]
    words = [sys.executable, "-m", "tests.soak", "--minutes", str(minutes)]
    words += ["--record"] if minutes >= WORTH_KEEPING else []
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    run = json.loads(done.stdout or "{}")
    measured = {
        "minutes": minutes,
        "requests": sum(run.get("answered", {}).values()),
        "kills and reloads": sum(run.get("harm", {}).values()),
        "grown": ", ".join(run.get("grown", ["everything"])) or "nothing",
        "lost without a reason": len(run.get("unexplained", [])),
    }
    return Figure(measured, done.returncode == 0)


def empires(numbers: Numbers) -> Figure:
    """M9: good vassals beside broken ones, with kills."""
    with starter() as start:
        row = empire.run(start, numbers["seconds"], numbers["broken"], emperors=0)
    return Figure(row, not row["lost otherwise"] and not row["lost without"])


def respawns(numbers: Numbers) -> Figure:
    """M12: how long it takes until the only worker answers again after it was killed."""
    took = []
    with starter() as start:
        subject = site(start)
        for _ in range(numbers["kills"]):
            victim = process(subject, "worker 1")
            began = time.perf_counter()
            os.kill(victim, signal.SIGKILL)
            while not answers(subject.port):
                pass
            took.append(time.perf_counter() - began)
            while process(subject, "worker 1") == victim:
                time.sleep(0.005)
            time.sleep(1.0)  # what dies too often within a second is slowed down on purpose
    measured = {
        "kills": len(took),
        "p50 ms": milliseconds(at(0.5, took)),
        "p99 ms": milliseconds(at(0.99, took)),
    }
    return Figure(measured, at(0.99, took) <= numbers["limit"])


def answers(port: int) -> bool:
    """Whether a request is answered; one that died with the worker is not."""
    try:
        return exchange(port, HELLO).text == "hello"
    except OSError:
        return False
