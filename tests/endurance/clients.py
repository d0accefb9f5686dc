"""Many clients of the HTTP router that are idle, and others that are not.

    python -m tests.endurance.clients [--idle 1000] [--active 100] [--requests 50] [--record]

What: so many clients make one request over a kept connection and stay; so many others go on asking.
      The idle ones may cost the router memory and nothing else: its processor time while nobody
      asks is measured, and in the end each of them asks once more on the connection it has kept.
      --record writes docs/results/idle-clients.json.  Exit status 1 if a request went wrong.
Units: seconds; memory is kB.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.conformance.harness import Starter, children, request, title
from tests.integration.around import many_descriptors

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "idle-clients.json"
SITE = """
http = 127.0.0.1:PORT
http-keepalive = 600
master = true
processes = 2
threads = 2
listen = 1000
auto-procname = true
disable-logging = true
module = app
"""
APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
ASK = request("/hello")
QUIET = 1.0  # second for which the router's processor time is measured


def client(port: int) -> socket.socket:
    """A client that has made one request and stays."""
    made = socket.create_connection(("127.0.0.1", port), 30)
    ask(made)
    return made


def ask(sock: socket.socket) -> None:
    """Make a request on a connection that is kept."""
    sock.sendall(ASK)
    found = b""
    while not found.endswith(b"\r\n\r\nhello"):
        part = sock.recv(4096)
        if not part:
            raise ConnectionError(f"closed after {found!r}")
        found += part
    if not found.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(found.decode("latin-1"))


def busy(port: int, count: int) -> int:
    """Make many requests on one connection; how many went wrong."""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as sock:
            for turn in range(count):
                try:
                    ask(sock)
                except OSError:
                    return count - turn
    except OSError:
        return count
    return 0


def memory(pid: int) -> int:
    """The resident memory of a process that it shares with nobody."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    return 0


def ticks(pid: int) -> int:
    """The processor time of a process, in the kernel's ticks."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def run(idle: int, active: int, requests: int) -> dict[str, Any]:
    """Make the run."""
    start = Starter()
    try:
        subject = start(SITE, files={"app.py": APP}, until="^spawned uWSGI worker 2 ")
        client(subject.port).close()
        (router,) = (pid for pid in children(subject.pid) if title(pid).startswith("uWSGI http"))
        with ExitStack() as stack:
            stack.enter_context(many_descriptors(idle + active + 100))
            before = memory(router)
            kept = [stack.enter_context(client(subject.port)) for _ in range(idle)]
            after = memory(router)
            spent = ticks(router)
            time.sleep(QUIET)
            spent = ticks(router) - spent
            began = time.monotonic()
            with ThreadPoolExecutor(active) as pool:
                wrong = sum(pool.map(lambda _: busy(subject.port, requests), range(active)))
            took = time.monotonic() - began
            lost = sum(not again(sock) for sock in kept)
    finally:
        start.close()
    return {
        "idle clients": idle,
        "active clients": active,
        "requests of the active": active * requests,
        "of these wrong": wrong,
        "requests a second": round(active * requests / took),
        "idle clients that were lost": lost,
        "kB of the router before": before,
        "kB with the idle clients": after,
        "bytes for an idle client": round((after - before) * 1024 / idle),
        "processor seconds of a second in which all are idle": spent / os.sysconf("SC_CLK_TCK"),
    }


def again(sock: socket.socket) -> bool:
    """Whether an idle client gets an answer on the connection that it has kept."""
    try:
        ask(sock)
    except OSError:
        return False
    return True


def main(words: list[str] | None = None) -> int:
    """Run, print, and say whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--active", type=int, default=100)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    found = run(asked.idle, asked.active, asked.requests)
    for name, value in found.items():
        print(f"{name}: {value}")
    if asked.record:
        machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
        record = {"date": datetime.date.today().isoformat(), "machine": machine, "runs": [found]}
        RECORDED.write_text(json.dumps(record, indent=1) + "\n")
    return int(bool(found["of these wrong"] or found["idle clients that were lost"]))


if __name__ == "__main__":
    sys.exit(main())
