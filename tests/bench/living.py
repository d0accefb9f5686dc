"""Scenarios of whole instances: vassals that wake, workers that are added, reloads, rest."""

from __future__ import annotations

import contextlib
import functools
import socket
import statistics
import threading
import time

from tests.bench import rivals, wire
from tests.bench.rivals import System
from tests.bench.scenario import COMMON, Measure, Scenario
from tests.bench.stage import Figures, Server, Stage, until

REQUESTS = 8
NEVER_MS = 45000.0


def vassals(stage: Stage, system: System, count: int) -> Measure | None:
    """On-demand vassals that wait; the first answer of one, of one that 50 clients ask."""
    if not system.command:
        return None
    sites, sockets = stage.path(".vassals"), stage.path(".sockets")
    sites.mkdir()
    sockets.mkdir()
    text = (
        f"[uwsgi]\nchdir = {stage.room}\nwsgi-file = hello.py\nprocesses = 1\nmaster = true\n"
        "disable-logging = true\nlisten = 1024\n"
    )
    for number in range(count):
        (sites / f"v{number:04}.ini").write_text(text)
    words = ("--emperor", sites, "--emperor-on-demand-directory", sockets, "--listen", 1024)
    server = stage.start(system.with_options(*words))
    began = time.monotonic()
    until(lambda: len(list(sockets.iterdir())) >= count, 120)
    bound = (time.monotonic() - began) * 1000
    time.sleep(1)
    paths = iter([str(sockets / f"v{number:04}.socket") for number in range(count)])

    def measure() -> Figures:
        figures = {**at_rest(server, 2), "all_bound_ms": bound}
        cold = [_first_answer_ms(next(paths)) for _ in range(1 if count < 50 else 5)]
        figures["cold_ms"] = statistics.median(cold)
        if count >= 50:
            requests = stage.frames([wire.packet()])
            done = stage.load(next(paths), requests, "-c", 50, "-n", 50)
            figures |= {"cold50_last_ms": done["max_us"] / 1000, "cold50_failed": done["errors"]}
        return figures

    return measure


def _first_answer_ms(path: str) -> float:
    began = time.monotonic()
    if b"hello" not in wire.ask(path, wire.packet(), 30):
        raise RuntimeError("a vassal that does not say hello")
    return (time.monotonic() - began) * 1000


def at_rest(server: Server, seconds: float) -> Figures:
    """What a server costs while nobody asks."""
    before, began = server.cpu_us(), time.monotonic()
    time.sleep(seconds)
    idle = (server.cpu_us() - before) / (time.monotonic() - began)
    return {"idle_cpu_us_per_s": idle, "idle_pss_kib": server.pss_kib()}


def ramp(stage: Stage, system: System, *options: object) -> Measure | None:
    """Slow requests at once, until all of them are being answered."""
    if not system.command:
        return None
    address, release = f"{wire.LO}:{stage.port()}", stage.path(".release")
    signals = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    signals.bind((wire.LO, 0))
    signals.settimeout(NEVER_MS / 1000)
    env = {"BENCH_UDP": str(signals.getsockname()[1]), "BENCH_RELEASE": str(release)}
    words = ("--http-socket", address, *options, "--wsgi-file", "hold.py", *COMMON)
    stage.start(system.with_options(*words), address, wire.http(), env=env)

    def measure() -> Figures:
        clients = [wire.connect(address, 70) for _ in range(REQUESTS)]
        began, times = time.monotonic(), list[float]()
        for client in clients:
            client.sendall(wire.http("/hold"))
        with contextlib.suppress(TimeoutError):
            while len(times) < REQUESTS:
                signals.recv(100)
                times.append((time.monotonic() - began) * 1000)
        release.touch()
        for sock in (*clients, signals):
            sock.close()
        return {"all8_ms": times[-1] if len(times) == REQUESTS else NEVER_MS, "begun": len(times)}

    return measure


def reload(stage: Stage, system: System) -> Measure | None:
    """A graceful reload under load, twice."""
    port = stage.port()
    address = f"{wire.LO}:{port}"
    command: list[str] | None
    if system.command:
        words = ("--http-socket", address, "--processes", 2, "--wsgi-file", "hello.py", *COMMON)
        command = system.with_options(*words)
    else:
        command = rivals.wsgi(system.name, "hello", port, 2)
    if not command:
        return None
    server = stage.start(command, address, wire.http())
    requests = stage.frames(wire.many_http())

    def measure() -> Figures:
        timers = [threading.Timer(when, server.reload) for when in (1.0, 3.5)]
        for timer in timers:
            timer.start()
        done = stage.load(address, requests, "-c", 8, "-d", 6, "-t", 10)
        for timer in timers:
            timer.join()
        stall = max(done["max_us"], done["oldest_us"]) / 1000
        rate = done["requests"] / done["seconds"]
        return {"failed": done["errors"], "stall_ms": stall, "req_rate": rate}

    return measure


def resting(stage: Stage, system: System) -> Measure | None:
    """A master, four workers and an HTTP router, and nobody asks."""
    if not system.command:
        return None
    address = f"{wire.LO}:{stage.port()}"
    words = ("--http", address, "--processes", 4, "--wsgi-file", "hello.py", *COMMON)
    server = stage.start(system.with_options(*words), address, wire.http())
    time.sleep(1)

    def measure() -> Figures:
        figures = at_rest(server, 3)
        return {**figures, "pss_kib": figures["idle_pss_kib"], "start_ms": server.start_ms}

    return measure


part = functools.partial
EIGHT = ("--processes", REQUESTS, "--cheaper", 1)
FOUR = ("--processes", 4, "--cheaper", 1, "--threads", 2)
SCENARIOS = [
    *(
        Scenario(
            f"s10-{count}",
            f"{count} on-demand vassals, the first answer of one",
            part(vassals, count=count),
            "cold_ms",
            alone=True,
        )
        for count in (1, 100, 1000)
    ),
    Scenario(
        "s11",
        "cheaper: from 8 slow requests at once until all 8 are in progress",
        lambda stage, system: ramp(stage, system, *EIGHT),
        "all8_ms",
        alone=True,
    ),
    Scenario(
        "s11d",
        "the same with the document's numbers: 4 processes, 2 threads",
        lambda stage, system: ramp(stage, system, *FOUR),
        "all8_ms",
        alone=True,
    ),
    Scenario(
        "s12",
        "graceful reload under load",
        reload,
        "failed",
        alone=True,
        peers=("gunicorn-sync",),
    ),
    Scenario("s13", "at rest: master, 4 workers, HTTP router", resting, "idle_cpu_us_per_s"),
]
