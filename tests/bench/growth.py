"""How cost grows with the work: held connections, workers, lines of options; keys and vassals.

Each curve is a row of scenarios, one for each size; keys and vassals are s9 and s10 as well.
"""

from __future__ import annotations

import functools

from tests.bench import living, routing, wire
from tests.bench.rivals import System
from tests.bench.scenario import COMMON, Measure, Scenario
from tests.bench.stage import Figures, Stage


def workers(stage: Stage, system: System, count: int) -> Measure | None:
    """Hello over HTTP by many workers; what they need at rest."""
    if not system.command:
        return None
    address = f"{wire.LO}:{stage.port()}"
    words = ("--http-socket", address, "--processes", count, "--wsgi-file", "hello.py", *COMMON)
    server = stage.start(system.with_options(*words), address, wire.http())
    requests = stage.frames(wire.many_http())

    def measure() -> Figures:
        rest = living.at_rest(server, 1)
        return {**stage.cost(server, address, requests, "-c", 8), **rest}

    return measure


def options(stage: Stage, system: System, count: int) -> Measure | None:
    """From the start to the first answer, with a long file of options."""
    if not system.command:
        return None
    address = f"{wire.LO}:{stage.port()}"
    lines = [
        "[uwsgi]",
        "master = true",
        "disable-logging = true",
        f"http-socket = {address}",
        "wsgi-file = hello.py",
        *(f"env = NAME_{number}=value of %n and number {number}" for number in range(count - 4)),
    ]
    path = stage.path(".ini")
    path.write_text("\n".join([*lines, ""]))
    server = stage.start(system.with_options("--ini", path), address, wire.http())
    return lambda: {"start_ms": server.start_ms, "start_cpu_us": server.cpu_us()}


part = functools.partial
CURVES = {
    "keys": (100, 1000, 10_000, 100_000),
    "connections": (1, 100, 1000, 5000),
    "workers": (1, 4, 8, 32),
    "options": (10, 100, 1000),
    "vassals": (1, 10, 100, 1000),
}
MEASURED = {
    "keys": (routing.many_keys, "cpu_us", "hello through the fastrouter, {} keys"),
    "connections": (routing.held, "cpu_us", "hello beside {} half-sent requests"),
    "workers": (workers, "cpu_us", "hello over HTTP, {} workers"),
    "options": (options, "start_ms", "start to first answer, {} lines of options"),
    "vassals": (living.vassals, "idle_cpu_us_per_s", "{} vassals that wait, at rest"),
}
SCENARIOS = [
    Scenario(
        f"{name}-{count}",
        what.format(count),
        part(set_up, count=count),
        metric,
        alone=name in ("connections", "options", "vassals"),
    )
    for name, (set_up, metric, what) in MEASURED.items()
    for count in CURVES[name]
]
