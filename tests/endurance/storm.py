"""Reloads under a flood, at every front: is a single request of a million lost?

    python -m tests.endurance.storm [--requests 1000000] [--reloads 100]

What: one site behind `http-socket`, the HTTP router and a UNIX socket.  At each front a load
      generator written in C makes a third of the requests, a connection for each.  Beside them
      clients send uploads, read files from the offload threads, and ask again and again on
      connections that they keep.  Meanwhile the site is reloaded gracefully, over and over; there
      are as many reloads as asked for, or as many as it takes until all requests are made.
      Whoever keeps a connection asks once more on a new one when it ends before the first byte
      of an answer (RFC 9112, 9.3.1): that is counted, and is no loss.
Units: seconds, bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import wire
from tests.bench.stage import load_generator
from tests.conformance.harness import Client, Starter, Subject, exchange, post, request
from tests.endurance.scaling import reload
from tests.integration.load import Clients

SITE = """
socket = DIR/site.sock
http-socket = 127.0.0.1:PORT
http = 127.0.0.1:PORT1
http-keepalive = 5
master = true
processes = 4
threads = 2
offload-threads = 1
check-static = DIR/files
disable-logging = true
listen = 1000
module = case_app
"""
FILE = bytes(range(256)) * 16384
UPLOAD = FILE[:200_000]
PATIENCE = 15  # a request that takes longer was forgotten by somebody
CONNECTIONS = 4  # of each load generator
KEPT = request("/bytes/3000")
CLOSE = ("Connection", "close")
BREATH = 0.3  # between two reloads, so that requests meet every moment of one


class Mixed(Clients):
    """Uploads, files and kept connections."""

    def __init__(self, subject: Subject) -> None:
        self.answered: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.again = 0  # a kept connection had ended
        self._ports = (subject.port, subject.ports["PORT1"])
        calls = {"upload": self._upload, "file": self._file, "kept": self._keep}
        turns = [self._turn(name, call) for name, call in calls.items()]
        super().__init__(turns, 0.005)

    def _turn(self, name: str, call: Any) -> Any:
        def turn() -> None:
            for port in self._ports:
                try:
                    call(port)
                except (OSError, AssertionError) as problem:
                    self.lost[f"{name}: {problem}"[:100]] += 1
                else:
                    self.answered[name] += 1

        return turn

    def _upload(self, port: int) -> None:
        answer = post(port, "/echo", UPLOAD, CLOSE)
        assert answer.body == UPLOAD, f"{answer.status}, {len(answer.body)} bytes"

    def _file(self, port: int) -> None:
        answer = exchange(port, request("/big.bin", headers=[CLOSE]))
        assert answer.body == FILE, f"{answer.status}, {len(answer.body)} bytes"

    def _keep(self, port: int) -> None:
        with Client(port) as client:
            for turn in range(10):
                try:
                    client.send(KEPT)
                    answer = client.answer()
                except (OSError, AssertionError):
                    assert turn, "a new connection ended without an answer"
                    assert not client.received, "a kept connection ended within an answer"
                    self.again += 1
                    return
                assert len(answer.body) == 3000, f"{answer.status}, {len(answer.body)} bytes"
                if answer.end == "closed" or answer.get("connection") == "close":
                    return


class Flood:
    """A load generator at one front."""

    def __init__(self, program: Path, room: Path, address: str, frame: bytes, count: int) -> None:
        frames = room / f"{address.replace('/', '_')}.frames"
        frames.write_bytes(wire.frames([frame]))
        words = ["load", "-a", address, "-f", frames, "-c", CONNECTIONS, "-n", count]
        self._process = subprocess.Popen(
            [str(word) for word in (program, *words, "-t", PATIENCE)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def goes_on(self) -> bool:
        """Whether it has not made all of its requests."""
        return self._process.poll() is None

    def told(self) -> dict[str, float]:
        """What came of it."""
        found: dict[str, float] = json.loads(self._process.communicate(timeout=60)[0])
        return found


def run(start: Starter, requests: int, reloads: int) -> dict[str, Any]:
    """The storm, and what was lost in it."""
    files: dict[str, str | bytes] = {"files/big.bin": FILE}
    subject = start(SITE, files=files, until="^spawned uWSGI worker 4 ")
    fronts = {
        f"127.0.0.1:{subject.port}": wire.http(),
        f"127.0.0.1:{subject.ports['PORT1']}": wire.http(),
        str(subject.directory / "site.sock"): wire.packet(),
    }
    began, done = time.monotonic(), 0
    with ExitStack() as stack:
        program = stack.enter_context(load_generator())
        mixed = stack.enter_context(Mixed(subject))
        floods = [
            Flood(program, subject.directory, address, frame, requests // len(fronts))
            for address, frame in fronts.items()
        ]
        while done < reloads or any(flood.goes_on() for flood in floods):
            reload(subject)
            done += 1
            time.sleep(BREATH)
        told = [flood.told() for flood in floods]
    answered = int(sum(each["requests"] for each in told)) + sum(mixed.answered.values())
    lost = {front: int(each["errors"]) for front, each in zip(fronts, told, strict=True)}
    return {
        "reloads": done,
        "answered": answered,
        "beside the flood": dict(mixed.answered),
        "kept connections that had ended": mixed.again,
        "lost": sum(lost.values()) + sum(mixed.lost.values()),
        "reasons": {**{name: n for name, n in lost.items() if n}, **mixed.lost},
        "longest wait, seconds": round(max(each["max_us"] for each in told) / 1e6, 2),
        "seconds": round(time.monotonic() - began),
    }


def main() -> int:
    """Run, print; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.storm")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--reloads", type=int, default=100)
    asked = parser.parse_args()
    starter = Starter()
    try:
        found = run(starter, asked.requests, asked.reloads)
    finally:
        starter.close()
    print(json.dumps(found, indent=1))
    return int(bool(found["lost"]))


if __name__ == "__main__":
    sys.exit(main())
