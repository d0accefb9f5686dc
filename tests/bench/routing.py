"""Scenarios of routers: the HTTP router and the fastrouter, small requests and streams."""

from __future__ import annotations

import functools
import os
import random
import socket
import statistics
import time

from tests.bench import rivals, wire
from tests.bench.rivals import PY, System
from tests.bench.scenario import COMMON, Measure, Scenario
from tests.bench.stage import CLIENT_CORE, Figures, Server, Stage, until

KEY = "example.com"
HELD = 1000
SOLE = ("--master", "--disable-logging", "--listen", 1024)


def through_http(stage: Stage, system: System, *options: str) -> Measure | None:
    """The HTTP router and a worker behind it."""
    if not system.command:
        return None
    address = f"{wire.LO}:{stage.port()}"
    words = ("--http", address, *options, "--wsgi-file", "hello.py", *COMMON)
    server = stage.start(system.with_options(*words), address, wire.http())
    requests = stage.frames(wire.many_http(keep=bool(options)))
    return functools.partial(
        stage.cost, server, address, requests, "-c", 8, *(["-k"] if options else [])
    )


def http_alone(stage: Stage, system: System) -> Measure | None:
    """The HTTP router alone, in front of a node that costs nothing."""
    port, node = stage.port(), f"{wire.LO}:{stage.port()}"
    address = f"{wire.LO}:{port}"
    stage.nodes([node], mode="sink" if system.name == "proxy.py" else "serve")
    env: dict[str, str] = {}
    if system.command:
        command = system.with_options("--http", address, "--http-to", node, *SOLE)
    elif system.name == "proxy.py":
        command, env = rivals.proxy_py(stage, port, node)
    elif system.name == "nginx":
        command = rivals.nginx(stage, in_nginx(address, node))
    else:
        return None
    server = stage.start(command, address, wire.http(), env=env)
    return functools.partial(stage.cost, server, address, stage.frames(wire.many_http()), "-c", 8)


def in_nginx(address: str, node: str, upstream: str = "") -> str:
    """HTTP in, uwsgi out: what nginx can do nearest to a router."""
    vars_ = "uwsgi_param REQUEST_METHOD $request_method; uwsgi_param HTTP_HOST $host;"
    place = f"location / {{ uwsgi_pass {node}; {vars_} }}"
    return f"{upstream} server {{ listen {address}; {place} }}"


def fastrouter(
    stage: Stage,
    system: System,
    pairs: list[tuple[str, str]],
    *options: object,
    unix: bool = False,
) -> tuple[Server, str]:
    """A fastrouter to which nodes have subscribed."""
    address = str(stage.path(".sock")) if unix else f"{wire.LO}:{stage.port()}"
    door = stage.port()
    words = (
        *("--fastrouter", address, "--fastrouter-subscription-server", f"{wire.LO}:{door}"),
        *("--subscription-tolerance", 100000, *SOLE, *options),
    )
    server = stage.start(system.with_options(*words), address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for start in range(0, len(pairs), 200):
            _announced(sock, door, address, pairs[start : start + 200])
    return server, address


def _announced(sock: socket.socket, door: int, address: str, batch: list[tuple[str, str]]) -> None:
    """Announce a batch, until its last key is answered."""
    last = wire.packet(batch[-1][0])

    def answered() -> bool:
        for pair in batch:
            sock.sendto(wire.announcement(*pair), (wire.LO, door))
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if b" 200" in wire.ask(address, last, 2)[:20]:
                return True
        return False

    until(answered, 20)


def four_nodes(stage: Stage, *, unix: bool = False, size: int = 5) -> list[str]:
    """Addresses of four stand-ins."""
    found = [str(stage.path(".sock")) if unix else f"{wire.LO}:{stage.port()}" for _ in range(4)]
    stage.nodes(found, size)
    return found


def relay(
    stage: Stage, system: System, nodes: list[str], *options: object, unix: bool = False
) -> tuple[Server, str] | None:
    """Whoever relays to these nodes: a fastrouter, or the plain rival."""
    if system.command:
        pairs = [(KEY, node) for node in nodes]
        return fastrouter(stage, system, pairs, *options, unix=unix)
    if system.name == "asyncio-relay" and not (unix or options):
        address = f"{wire.LO}:{stage.port()}"
        ports = [node.rpartition(":")[2] for node in [address, *nodes]]
        return stage.start([PY, "asyncio_relay.py", *ports], address, wire.packet()), address
    return None


def small(stage: Stage, system: System, *, unix: bool = False) -> Measure | None:
    """Hellos through the fastrouter, and what it adds to the time of one."""
    nodes = four_nodes(stage, unix=unix)
    found = relay(stage, system, nodes, unix=unix)
    if found is None:
        return None
    server, address = found
    requests = stage.frames(wire.many_packets(KEY))

    def measure() -> Figures:
        figures = stage.cost(server, address, requests, "-c", 8)
        direct = stage.load(nodes[0], requests, "-c", 1, "-d", 0.4)
        routed = stage.load(address, requests, "-c", 1, "-d", 0.4)
        added = routed["p50_us"] - direct["p50_us"]
        return {**figures, "added_p50_us": added, "pss_kib": server.pss_kib()}

    return measure


def held(stage: Stage, system: System, count: int = HELD) -> Measure | None:
    """Memory for each half-sent request, and the hellos beside them."""
    found = relay(stage, system, four_nodes(stage))
    if found is None:
        return None
    server, address = found
    requests = stage.frames(wire.many_packets(KEY))

    def measure() -> Figures:
        stage.load(address, requests, "-c", 8, "-d", 0.3)
        before = server.pss_kib()
        with stage.load_process(address, requests, "-c", count, "-H") as process:
            assert process.stdout is not None
            here = int(process.stdout.readline().split()[1])
            time.sleep(0.4)
            grown = server.pss_kib() - before
            figures = stage.cost(server, address, requests, "-c", 8)
            process.communicate()
        return {"KiB_per_conn": grown / max(1, here), "held": here, **figures}

    return measure


def answers(stage: Stage, system: System) -> Measure | None:
    """Answers of 1 MiB."""
    node = f"{wire.LO}:{stage.port()}"
    stage.nodes([node], 1 << 20)
    found = relay(stage, system, [node])
    if found is None:
        return None
    requests = stage.frames(wire.many_packets(KEY))

    def measure() -> Figures:
        figures = stage.cost(*found, requests, "-c", 2)
        return {"cpu_us_per_MiB": figures.pop("cpu_us"), **figures}

    return measure


def bodies(stage: Stage, system: System, *options: object) -> Measure | None:
    """Bodies of 1 MiB."""
    node = f"{wire.LO}:{stage.port()}"
    stage.nodes([node])
    found = relay(stage, system, [node], *options)
    requests = stage.frames([wire.packet(KEY, os.urandom(1 << 20))])
    return found and functools.partial(stage.cost, *found, requests, "-c", 4)


def slow_uploads(stage: Stage, system: System) -> Measure | None:
    """Hellos to a node of one worker, beside slow uploads that the router buffers."""
    if not system.command:
        return None
    node = f"{wire.LO}:{stage.port()}"
    one_worker = [PY, "one_worker.py", node.rpartition(":")[2]]
    stage.start(one_worker, node, wire.packet(), core=CLIENT_CORE)
    _, address = fastrouter(stage, system, [(KEY, node)], "--fastrouter-post-buffering", 8192)
    hellos = stage.frames([wire.packet(KEY)])
    uploads = stage.frames([wire.packet(KEY, os.urandom(1 << 20))])

    def measure() -> Figures:
        with stage.load_process(address, uploads, "-c", 10, "-S", 65536, "-d", 6, "-t", 60) as slow:
            time.sleep(1)
            done = stage.load(address, hellos, "-c", 2, "-d", 3)
            slow.communicate(timeout=60)
        p99 = done["p99_us"] if done["requests"] else done["oldest_us"]
        rate = done["requests"] / done["seconds"]
        return {"p99_us": p99, "errors": done["errors"], "answered_rate": rate}

    return measure


def many_keys(stage: Stage, system: System, count: int) -> Measure | None:
    """Many keys, asked for at random."""
    if not system.command:
        return None
    nodes = four_nodes(stage)
    empty, _ = fastrouter(stage, system, [("only.example.com", nodes[0])])
    base = empty.pss_kib()
    stage.end(empty)
    keys = [f"site{number}.example.com" for number in range(count)]
    pairs = [(key, nodes[place % 4]) for place, key in enumerate(keys)]
    learnt: list[tuple[float, float]] = []
    for start in range(LEARNERS):
        server, address = fastrouter(stage, system, pairs)
        memory, spent = server.pss_kib() - base, server.cpu_us()
        learnt.append((memory * 1024 / count, spent / count))
        if start < LEARNERS - 1:
            stage.end(server)
    learning = {
        "bytes_per_key": statistics.median(memory for memory, _ in learnt),
        "subscribe_us_per_key": statistics.median(spent for _, spent in learnt),
    }
    chance = random.Random(7)
    requests = stage.frames([wire.packet(chance.choice(keys)) for _ in range(5000)])
    return lambda: {**stage.cost(server, address, requests, "-c", 8), **learning}


LEARNERS = 3  # starts of which the median says what a key costs: a key is new only once
part = functools.partial
RELAY = ("asyncio-relay",)
BUFFERING = "--fastrouter-post-buffering"
KEPT, ONCE = "--http-keepalive", ()
SCENARIOS = [
    Scenario(
        "s2r",
        "hello on kept connections through the HTTP router",
        lambda stage, system: through_http(stage, system, KEPT),
    ),
    Scenario("s6", "hello through the HTTP router and a worker", through_http),
    Scenario("s6r", "the HTTP router alone", http_alone, peers=("nginx", "proxy.py")),
    Scenario("s7", "hello through the fastrouter, four nodes", small, peers=RELAY),
    Scenario("s7x", "the same over UNIX sockets", part(small, unix=True)),
    Scenario("s7c", f"{HELD} half-sent requests", held, "KiB_per_conn", True, RELAY),
    Scenario("s7b", "answers of 1 MiB", answers, "cpu_us_per_MiB", peers=RELAY),
    Scenario("s8", "bodies of 1 MiB", bodies, peers=RELAY),
    Scenario(
        "s8p",
        "the same, kept on disk first",
        lambda stage, system: bodies(stage, system, BUFFERING, 8192),
    ),
    Scenario(
        "s8m",
        "the same, kept in memory first",
        lambda stage, system: bodies(stage, system, BUFFERING, 1 << 22),
    ),
    Scenario("s8u", "hellos beside slow uploads, p99", slow_uploads, "p99_us", alone=True),
    *(
        Scenario(f"s9-{count}", f"{count} keys, asked for at random", part(many_keys, count=count))
        for count in (100, 10_000, 100_000)
    ),
]
