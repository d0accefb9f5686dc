"""Fuzzed packets and datagrams against a real router: does it stay up, prompt and small?

    python -m tests.fuzz.router [--packets 1000000] [--seed 1] [--record]

What: a router with a subscription server and a node of its own.  Good packets and announcements,
      changed at random and the same for the same seed, come over UNIX sockets, so that none is
      lost on the way.  Between them good requests are made, which must be answered.  The memory
      of the router is looked at all the time: what it remembers of its peers has limits, which
      the first half of a long run reaches; the second half must not add to it.  --record writes
      docs/results/fuzz-router.json.
Units: memory is kB, times are seconds, growth is in percent.
Errors: the status is 1 when the router died, did not answer, or has grown.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import random
import re
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conformance.fastrouter.talk import ROUTER, packet_of
from tests.conformance.harness import Starter, Subject, ask, descriptors, eventually
from tests.fuzz.engine import mutated
from tests.integration.mutations import UWSGI

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "fuzz-router.json"
INI = """
master = true
fastrouter = DIR/router.sock
fastrouter-subscription-server = DIR/server.sock
fastrouter-timeout = 3
fastrouter-errors = true
subscription-tolerance = 5
subscription-dotsplit = true
"""
KEY = "example.com"
ROUND = 500  # packets between two good requests
GROWTH = 20_000  # kB that may come on top in a run that is too short to be judged
LONG = 500_000  # packets after half of which all that has a limit has reached it
MOST_GROWTH = 2.0  # percent in the second half of a long run
SAMPLES = 100  # of the memory
PATIENCE = 60.0


class Node:
    """Takes every connection, answers two bytes, closes."""

    def __init__(self, path: str) -> None:
        self.taken = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(128)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            with client, contextlib.suppress(OSError):
                client.settimeout(5)
                client.recv(65536)
                client.sendall(b"ok")

    def close(self) -> None:
        """Take no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


def announcements(path: str) -> tuple[bytes, ...]:
    """Good datagrams, of which all others are made."""
    return (
        packet_of(KEY, path, modifier1=0, modifier2=0, cores=1, load=0, weight=1),
        packet_of("other.example", path, weight=3, backup=1, algo="lrc", unix=1, sign=b"x" * 64),
        packet_of(KEY + ":80", f"{path}-gone", 1),
        packet_of("notified", path, notify=f"{path}-letters", proto="uwsgi"),
    )


class Fuzz:
    """One run."""

    def __init__(self, start: Starter, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.memory: list[int] = []
        self.sent = 0
        self._dice = random.Random(seed)
        self.subject: Subject = start(INI, until=ROUTER, ready=())
        self.router = int(self.subject.wait_for(ROUTER)[1])
        self._door, path = self.subject.path("router.sock"), self.subject.path("n.sock")
        eventually(lambda: os.path.exists(self._door), "the router listens")
        self.node = Node(path)
        self._good = announcements(path)
        self._letters = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._letters.settimeout(PATIENCE)
        self._letters.connect(self.subject.path("server.sock"))

    def run(self, packets: int) -> None:
        """Send so many, half of them datagrams."""
        self.sent = packets
        step = max(ROUND, packets // SAMPLES)
        before = 0
        for number in range(packets):
            if number % ROUND == 0:
                self._still_there()
            if number == ROUND:
                before = descriptors(self.router)
            if number % step == step - 1:
                self.memory.append(memory_of(self.router))
            if self._dice.random() < 0.5:
                self._letters.send(mutated(self._dice, self._dice.choice(self._good)))
                self.counts["datagrams"] += 1
            else:
                self._packet(mutated(self._dice, self._dice.choice(UWSGI)))
        self._still_there()
        eventually(lambda: descriptors(self.router) <= before + 2, "none is left open", PATIENCE)

    def _packet(self, data: bytes) -> None:
        """Send one to the router; a few clients wait for the answer, most just go."""
        self.counts["packets"] += 1
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(self._door)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(data)
                if self._dice.random() < 0.1:
                    client.shutdown(socket.SHUT_WR)
                    self.counts["answered" if client.recv(65536) else "closed"] += 1

    def _still_there(self) -> None:
        """Make a good request; after a good announcement it must be answered."""
        self._letters.send(self._good[0])
        eventually(lambda: b"ok" in ask(self._door, HTTP_HOST=KEY).raw, "an answer", PATIENCE)
        self.counts["good requests"] += 1

    def faults(self) -> list[str]:
        """What is wrong at the end."""
        found = []
        log = self.subject.log_path.read_text("latin-1")
        if "Traceback" in log:
            found.append("a traceback in the log")
        if re.search(r"respawned|HARAKIRI", log) or not os.path.exists(f"/proc/{self.router}"):
            found.append("the router died")
        if len(self.memory) > 1 and self.memory[-1] > self.memory[0] + GROWTH:
            found.append(f"memory: {self.memory}")
        if len(self.memory) >= SAMPLES and growth(self.memory) > MOST_GROWTH and self.sent >= LONG:
            found.append(f"memory grows by {growth(self.memory):.1f} %")
        return found

    def close(self) -> None:
        """Close what is ours."""
        self._letters.close()
        self.node.close()


def memory_of(pid: int) -> int:
    """What a process has in memory."""
    found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found[1]) if found else 0


def growth(memory: list[int]) -> float:
    """By how much the end of a run is above its middle: of a few values around each the median."""
    middle = len(memory) // 2
    before, after = statistics.median(memory[middle - 5 : middle]), statistics.median(memory[-5:])
    return 100.0 * (after / before - 1)


def run(packets: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Fuzz a router; what was counted, and what is wrong."""
    start = Starter()
    began = time.monotonic()
    try:
        fuzz = Fuzz(start, seed)
        try:
            fuzz.run(packets)
        finally:
            fuzz.close()
        faults = fuzz.faults()
        counted: dict[str, Any] = {"seed": seed, "seconds": round(time.monotonic() - began)}
        counted |= {name: fuzz.counts[name] for name in sorted(fuzz.counts)}
        counted |= {"taken by the node": fuzz.node.taken}
        tenths = fuzz.memory[:: -max(1, len(fuzz.memory) // 10)][::-1]
        counted |= {"memory in MB": ", ".join(f"{kb / 1024:.1f}" for kb in tenths)}
        if len(fuzz.memory) >= SAMPLES:
            counted |= {"growth in the second half": f"{growth(fuzz.memory):+.1f} %"}
        return counted | {"faults": ", ".join(faults) or "none"}, faults
    finally:
        start.close()


def main() -> int:
    """Fuzz and print the counts."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--packets", type=int, default=1_000_000)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--record", action="store_true")
    asked = reader.parse_args()
    counted, faults = run(asked.packets, asked.seed)
    record = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}, "
        f"CPython {platform.python_version()}",
        "runs": [counted],
    }
    text = json.dumps(record, indent=1)
    print(text)
    if asked.record:
        RECORDED.write_text(text + "\n", "utf-8")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
