"""Readers that do not read: what do they cost the one worker that serves them?

    python -m tests.bench.readers [--readers 200,1000,5000] [--rounds 3] [--no-record]

Two servers of the same kind, each one worker of one core with one offload thread.  So many clients
ask the one for a large file and read nothing but its head; then both are asked for hello in turn,
so that the machine's moods are the same for both.  Below twice the other's 99th percentile the
readers do not matter to the application.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import cpu, load, systems
from tests.bench.load import Address
from tests.bench.vanishing import descriptors, resident

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "readers.json"
SPARE = 200  # descriptors for everything else
SMALL = 4096  # what a reader lets the kernel take for it
STALL = 3.0  # seconds in which nothing happens
SETTLE = 20  # halves of a second, at most
ASKED = 2000  # hellos for a percentile


class Figures(NamedTuple):
    """What one round found."""

    alone: float  # 99th percentile of hello, microseconds
    beside: float
    median_alone: float
    median_beside: float
    idle: float  # seconds of processor time in a second of stalling, in thousandths
    memory: float  # KiB for each transfer
    descriptors: float  # for each transfer
    cut: float  # how many transfers ended behind the head, with no one's doing


def percentiles(*addresses: Address) -> list[tuple[float, float]]:
    """The median and the 99th percentile of hello of each, in microseconds; asked in turn."""
    buffer, request = bytearray(65536), load.http("/")
    found: list[list[float]] = [[] for _ in addresses]
    for _ in range(ASKED):
        for address, times in zip(addresses, found, strict=True):
            began = time.perf_counter()
            load.ask(address, request, buffer)
            times.append((time.perf_counter() - began) * 1e6)
    return [(times[ASKED // 2], times[ASKED * 99 // 100]) for times in map(sorted, found)]


@contextlib.contextmanager
def stalled(address: Address, count: int) -> Iterator[list[socket.socket]]:
    """So many clients that have a head and read no further."""
    with contextlib.ExitStack() as stack:
        socks = []
        for _ in range(count):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            sock.settimeout(60)
            sock.connect(address)
            sock.sendall(load.http("/large"))
            socks.append(sock)
        for sock in socks:
            if not sock.recv(100).startswith(b"HTTP/1.1 200"):
                raise OSError("no file")
        yield socks


def ended(sock: socket.socket) -> bool:
    """Whether the other side has closed without anything of the body."""
    sock.setblocking(False)
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def spent(pid: int, seconds: float) -> float:
    """Processor time that goes by meanwhile, in seconds."""
    before = cpu.used(pid)
    time.sleep(seconds)
    return cpu.used(pid) - before


def command(system: str, port: int) -> list[str]:
    """One worker, one core, one offload thread."""
    return [
        *systems.uwsgi_like()[system],
        *("--http-socket", f"127.0.0.1:{port}", "--check-static", "static", "--disable-logging"),
        *("--wsgi-file", "hello.py", "--offload-threads", "1", "--listen", "1000"),
    ]


def measure(system: str, room: Path, readers: int) -> Figures:
    """One round on two servers, of which one has readers."""
    systems.furnish(room)
    address, other = (("127.0.0.1", port) for port in systems.free_ports(2))
    hello = load.http("/")
    with (
        systems.Server(command(system, address[1]), room, (address, hello)) as server,
        systems.Server(command(system, other[1]), room, (other, hello)),
    ):
        percentiles(address, other)  # warm up
        held, kept = descriptors(server.pid), resident(server.pid)
        with stalled(address, readers) as socks:
            more = descriptors(server.pid) - held
            grown = resident(server.pid) - kept
            for _ in range(SETTLE):  # until the kernel has taken what it will take
                if spent(server.pid, 0.5) < 0.0005:
                    break
            used = spent(server.pid, STALL)
            beside, alone = percentiles(address, other)
            cut = sum(map(ended, socks))
    idle = used * 1000 / STALL
    return Figures(
        alone[1], beside[1], alone[0], beside[0], idle, grown / readers, more / readers, cut
    )


def shown(system: str, readers: int, rounds: list[Figures]) -> dict[str, Any]:
    """The medians of some rounds; the ratio is the median of the rounds' own."""
    middle = Figures(*(statistics.median(column) for column in zip(*rounds, strict=True)))
    ratio = statistics.median(each.beside / each.alone for each in rounds)
    return {"system": system, "readers": readers, "ratio": ratio, **middle._asdict()}


def line_of(row: dict[str, Any]) -> str:
    """A row as text."""
    return (
        f"{row['system']:9} {row['readers']:5}  p50 {row['median_alone']:5.0f} "
        f"-> {row['median_beside']:5.0f} us  p99 {row['alone']:6.0f} -> {row['beside']:6.0f} us "
        f"x{row['ratio']:.2f}  idle {row['idle']:.2f} ms/s  "
        f"{row['memory']:.2f} KiB  {row['descriptors']:.2f} fds  {row['cut']:.0f} cut"
    )


def main(argv: list[str] | None = None) -> int:
    """Measure, print, record; 1 where the application has to wait twice as long."""
    words = argparse.ArgumentParser(prog="tests.bench.readers", description="readers that stall")
    words.add_argument("--readers", default="200,1000,5000")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--no-record", action="store_true")
    asked = words.parse_args(argv)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows = []
    for readers in map(int, asked.readers.split(",")):
        rounds: dict[str, list[Figures]] = {name: [] for name in systems.uwsgi_like()}
        if 2 * readers + SPARE > hard:
            print(f"{readers}: a process may have {hard} descriptors here", file=sys.stderr)
            continue
        for _ in range(asked.rounds):
            for system, found in rounds.items():
                with tempfile.TemporaryDirectory(prefix="bench-") as room:
                    found.append(measure(system, Path(room), readers))
        for system, found in rounds.items():
            rows.append(shown(system, readers, found))
            print(line_of(rows[-1]), flush=True)
    if not asked.no_record:
        record(rows, asked.rounds)
    return int(any(row["ratio"] > 2 for row in rows if row["system"] == "refuwsgi"))


def record(rows: list[dict[str, Any]], rounds: int) -> None:
    """Write what the page shows."""
    run = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.system()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}",
        "rounds": rounds,
        "rows": rows,
    }
    RECORDED.write_text(json.dumps(run, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
