"""What is measured.  Each scenario returns one figure, of which less is better."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench import cpu, load, systems
from tests.bench.load import Address

MIB = 1 << 20
BACKEND = Path(__file__).with_name("backend.py")


class Run(NamedTuple):
    """One measurement: of whom, where, how long."""

    system: str
    room: Path
    seconds: float


class Scenario(NamedTuple):
    """A name as in the tables of performance, what happens, and the figure."""

    name: str
    what: str
    unit: str
    measure: Callable[[Run], float]
    with_peers: bool = False


def options(run: Run, *words: str, log: bool = False) -> list[str]:
    """The command line of a system that takes uWSGI's options."""
    quiet = [] if log else ["--disable-logging"]
    return [*systems.uwsgi_like()[run.system], "--master", *quiet, *words]


def per_request(server: systems.Server, address: Address, request: bytes, run: Run) -> float:
    """Microseconds of processor time for a request."""
    load.run(address, request, run.seconds / 4)  # warm up
    before = cpu.used(server.pid)
    done = load.run(address, request, run.seconds)
    return (cpu.used(server.pid) - before) * 1e6 / max(done.requests, 1)


def hello(run: Run, log: bool = False) -> float:
    """Hello over HTTP, a connection for each request."""
    port = systems.free_port()
    if run.system in systems.uwsgi_like():
        where = f"127.0.0.1:{port}"
        command = options(run, "--http-socket", where, "--wsgi-file", "hello.py", log=log)
    else:
        command = systems.peers()[run.system](port, log)
    address, request = ("127.0.0.1", port), load.http("/")
    with systems.Server(command, run.room, (address, request)) as server:
        return per_request(server, address, request, run)


def hello_logged(run: Run) -> float:
    """The same with a log line for each request."""
    return hello(run, log=True)


def uwsgi_socket(run: Run) -> float:
    """Hello over the uwsgi protocol on a UNIX socket."""
    address, request = str(run.room / "hello.sock"), load.packet("/")
    command = options(run, "--socket", address, "--wsgi-file", "hello.py")
    with systems.Server(command, run.room, (address, request)) as server:
        return per_request(server, address, request, run)


def static(run: Run, *more: str) -> tuple[list[str], Address]:
    """A server of static files."""
    port = systems.free_port()
    where = ("--http-socket", f"127.0.0.1:{port}", "--check-static", "static")
    return options(run, *where, "--wsgi-file", "hello.py", *more), ("127.0.0.1", port)


def small_file(run: Run) -> float:
    """A file of 1 KiB."""
    command, address = static(run)
    request = load.http("/small")
    with systems.Server(command, run.room, (address, request)) as server:
        return per_request(server, address, request, run)


def large_file(run: Run) -> float:
    """A file of 64 MiB by an offload thread, two readers; for each MiB."""
    command, address = static(run, "--offload-threads", "1")
    with systems.Server(command, run.room, (address, load.http("/"))) as server:
        before = cpu.used(server.pid)
        done = load.run(address, load.http("/large"), run.seconds, clients=2)
        return (cpu.used(server.pid) - before) * 1e6 / max(done.octets / MIB, 1)


def beside_slow_readers(run: Run) -> float:
    """The 99th percentile of hello on one worker beside 50 slow downloads."""
    command, address = static(run, "--offload-threads", "1")
    with (
        systems.Server(command, run.room, (address, load.http("/"))),
        load.SlowReaders(address, load.http("/large"), 50),
    ):
        done = load.run(address, load.http("/"), run.seconds, clients=1)
        return done.latencies[len(done.latencies) * 99 // 100] * 1e6


def fastrouter(run: Run) -> float:
    """A fastrouter with one key and four nodes."""
    port, *nodes = systems.free_ports(5)
    where = ("--fastrouter", f"127.0.0.1:{port}")
    to = [word for node in nodes for word in ("--fastrouter-to", f"127.0.0.1:{node}")]
    address, request = ("127.0.0.1", port), load.packet("/")
    with subprocess.Popen([sys.executable, str(BACKEND), *map(str, nodes)]) as backend:
        try:
            for node in nodes:
                wait_for(("127.0.0.1", node))
            command = options(run, *where, *to)
            with systems.Server(command, run.room, (address, request)) as server:
                return per_request(server, address, request, run)
        finally:
            backend.kill()


def wait_for(address: Address) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            load.connect(address).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def reload_under_load(run: Run) -> float:
    """How many requests fail while the server is told to reload."""
    port = systems.free_port()
    command = options(run, "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", "hello.py")
    address, request = ("127.0.0.1", port), load.http("/")
    with systems.Server(command, run.room, (address, request)) as server:
        again = threading.Timer(run.seconds / 2, os.kill, (server.pid, signal.SIGHUP))
        again.start()
        failed = load.run(address, request, run.seconds + 1).failed
        again.join()
        time.sleep(0.2)
        return float(failed)


SCENARIOS = [
    Scenario("s1", "hello, HTTP, one connection per request", "us CPU", hello, True),
    Scenario("s1l", "the same with the request log", "us CPU", hello_logged, True),
    Scenario("s3", "hello, uwsgi protocol, UNIX socket", "us CPU", uwsgi_socket),
    Scenario("s4", "static file of 1 KiB", "us CPU", small_file),
    Scenario("s5o", "static file of 64 MiB, one offload thread", "us CPU/MiB", large_file),
    Scenario("s5f", "hello beside 50 slow downloads, p99", "us", beside_slow_readers),
    Scenario("s7", "fastrouter, one key, four nodes", "us CPU", fastrouter),
    Scenario("s12", "reload under load: failed requests", "requests", reload_under_load),
]
