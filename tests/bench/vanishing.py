"""Transfers whose clients vanish at random points: what is left of them in the server?

    python -m tests.bench.vanishing [--clients 10000]

A client goes in the middle of its request, right behind it, or in the middle of the answer; some
close, some reset.  The answers are a file, another server's, and an object of the cache, all by an
offload thread.  Printed: the descriptors and the memory of the one process, again and again.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import load, systems
from tests.bench.load import Address

RESET = struct.pack("ii", 1, 0)
KINDS = ("/large", "/relayed", "/kept")
LARGE = 8 << 20
APP = """
import uwsgi
uwsgi.cache_update("kept", b"x" * 1_000_000)

def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""
FILES: dict[str, bytes] = {"vanish.py": APP.encode(), "static/large": bytes(LARGE)}


def options(where: str) -> list[str]:
    """One process whose threads do everything; it relays to itself."""
    return [
        *("--http-socket", where, "--offload-threads", "2", "--disable-logging"),
        *("--cache2", "name=default,items=10,blocksize=1000000", "--wsgi-file", "vanish.py"),
        *("--check-static", "static", "--listen", "100"),
        *("--route", f"^/relayed http:{where},,/large", "--route", "^/kept cache:key=kept"),
    ]


def furnish(room: Path) -> None:
    """Write what the process serves."""
    for name, content in FILES.items():
        (room / name).parent.mkdir(exist_ok=True)
        (room / name).write_bytes(content)


def vanish(address: Address, chance: random.Random) -> None:
    """One client that goes before it has everything."""
    request = load.http(chance.choice(KINDS))
    sent = chance.choice((len(request), len(request), chance.randrange(len(request))))
    wanted = chance.choice((0, 1, chance.randrange(LARGE // 8))) if sent == len(request) else 0
    try:
        with load.connect(address) as sock:
            sock.sendall(request[:sent])
            while wanted > 0:
                if not (got := len(sock.recv(min(wanted, 65536)))):
                    break
                wanted -= got
            if chance.random() < 0.5:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    except OSError:
        pass  # a connection that was reset from there


def many(address: Address, count: int, seed: int, side_by_side: int = 8) -> None:
    """So many clients, some of them at the same time."""
    seeds = iter(range(seed, seed + side_by_side))
    lock = threading.Lock()

    def work() -> None:
        with lock:
            chance = random.Random(next(seeds))
        for _ in range(count // side_by_side):
            vanish(address, chance)

    load.in_threads(work, side_by_side)


def descriptors(pid: int) -> int:
    """How many descriptors a process has."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid: int) -> int:
    """Its memory, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def settled(measure: Callable[[], int], expected: int, patience: float = 20.0) -> int:
    """The figure, once it is no larger than expected or nobody believes in it any more."""
    end = time.monotonic() + patience
    while (found := measure()) > expected and time.monotonic() < end:
        time.sleep(0.05)
    return found


def main(argv: list[str] | None = None) -> int:
    """Print a line for each tenth of the clients; 1 if descriptors are left."""
    words = argparse.ArgumentParser(prog="tests.bench.vanishing", description="clients that go")
    words.add_argument("--clients", type=int, default=10_000)
    clients: int = words.parse_args(argv).clients
    port = systems.free_port()
    address = ("127.0.0.1", port)
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        furnish(Path(room))
        command = [*systems.uwsgi_like()["refuwsgi"], *options(f"127.0.0.1:{port}")]
        with systems.Server(command, Path(room), (address, load.http("/"))) as server:
            before = settled(lambda: descriptors(server.pid), 0, 1.0)
            print(f"{'clients':>8} {'descriptors':>12} {'KiB':>8}")
            print(f"{0:8} {before:12} {resident(server.pid):8}")
            for tenth in range(1, 11):
                many(address, clients // 10, tenth * 1000)
                left = settled(lambda: descriptors(server.pid), before)
                print(f"{tenth * clients // 10:8} {left:12} {resident(server.pid):8}", flush=True)
            return int(left > before)


if __name__ == "__main__":
    sys.exit(main())
