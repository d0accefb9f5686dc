"""Scenarios of workers: hello over HTTP and uwsgi, static files, slow readers beside hellos."""

from __future__ import annotations

import functools
import json
import time

from tests.bench import rivals, wire
from tests.bench.rivals import System
from tests.bench.scenario import COMMON, Measure, Scenario
from tests.bench.stage import CLIENT_CORE, Figures, Server, Stage

WSGI = ("wsgiref", "waitress", "gunicorn-sync", "gunicorn-gthread", "cheroot")
THREADED = ("waitress", "gunicorn-gthread", "cheroot")
GUNICORN = ("gunicorn-sync", "gunicorn-gthread")
READERS = 200
RATE = 65536  # bytes a second that a slow reader takes
PARAMETERS = {
    "QUERY_STRING": "$query_string",
    "REQUEST_METHOD": "$request_method",
    "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri",
    "PATH_INFO": "$document_uri",
    "SERVER_PROTOCOL": "$server_protocol",
    "REMOTE_ADDR": "$remote_addr",
    "SERVER_PORT": "$server_port",
    "SERVER_NAME": "$server_name",
}


def hello(
    stage: Stage,
    system: System,
    *,
    threads: int = 1,
    socket: str = "--http-socket",
    keep: bool = False,
    log: bool = False,
) -> Measure | None:
    """Hello over HTTP."""
    common = [word for word in COMMON if not (log and word == "--disable-logging")]
    more = ("--threads", threads) if threads > 1 else ()

    def command(port: int) -> list[str] | None:
        if system.command:
            words = (socket, f"{wire.LO}:{port}", *more, "--wsgi-file", "hello.py", *common)
            return system.with_options(*words)
        found = rivals.wsgi(system.name, "hello", port, threads)
        return found and [*found, *(["--access-logfile", "-"] if log else [])]

    def started() -> tuple[Server, str]:
        port = stage.port()
        address = f"{wire.LO}:{port}"
        return stage.start(command(port) or [], address, wire.http()), address

    if not command(0):
        return None
    server, address = started()
    requests = stage.frames(wire.many_http(keep=keep))
    words = ("-c", 4, "-k") if keep else ("-c", 8)

    def measure() -> Figures:
        figures = stage.cost(server, address, requests, *words)
        other, _ = started()  # one start alone may have a neighbour's noise in it
        stage.end(other)
        return {**figures, "pss_kib": server.pss_kib(), "start_ms": other.start_ms}

    return measure


def uwsgi_socket(stage: Stage, system: System) -> Measure | None:
    """Hello over uwsgi on a UNIX socket."""
    path = str(stage.path(".sock"))
    command: list[str] | None
    if system.command:
        command = system.with_options("--socket", path, "--wsgi-file", "hello.py", *COMMON)
    else:
        command = rivals.gunicorn_uwsgi(system.name, "hello", path)
    if not command:
        return None
    server = stage.start(command, path, wire.packet())
    return functools.partial(stage.cost, server, path, stage.frames(wire.many_packets()), "-c", 8)


def behind_nginx(stage: Stage, system: System) -> Measure | None:
    """The same behind nginx, whose own cost is not counted."""
    if not system.command or not rivals.here("nginx"):
        return None
    path, port = str(stage.path(".sock")), stage.port()
    command = system.with_options("--socket", path, "--wsgi-file", "hello.py", *COMMON)
    server = stage.start(command, path, wire.packet())
    address = f"{wire.LO}:{port}"
    parameters = " ".join(f"uwsgi_param {name} {value};" for name, value in PARAMETERS.items())
    body = f"server {{ listen {address}; {parameters} location / {{ uwsgi_pass unix:{path}; }} }}"
    stage.start(rivals.nginx(stage, body), address, wire.http(), core=CLIENT_CORE)
    requests = stage.frames(wire.many_http(keep=True))
    return functools.partial(stage.cost, server, address, requests, "-c", 8, "-k")


def of_files(stage: Stage, system: System, offload: int) -> tuple[Server, str] | None:
    """A server of static files."""
    port = stage.port()
    address = f"{wire.LO}:{port}"
    root = stage.room / "static"
    command: list[str] | None
    if system.command:
        more = ("--offload-threads", offload) if offload else ()
        where = ("--http-socket", address, "--check-static", root)
        command = system.with_options(*where, "--wsgi-file", "hello.py", *more, *COMMON)
    elif system.name == "nginx":
        body = f"server {{ listen {address}; root {root}; location = / {{ return 200 hello; }} }}"
        command = rivals.nginx(stage, body)
    else:
        command = rivals.wsgi(system.name, "wrapper", port, 4)
    return (stage.start(command, address, wire.http()), address) if command else None


def small_file(stage: Stage, system: System, offload: int = 0) -> Measure | None:
    """A file of 1 KiB."""
    found = of_files(stage, system, offload)
    requests = stage.frames([wire.http("/small.bin")])
    return found and functools.partial(stage.cost, *found, requests, "-c", 8)


def large_file(stage: Stage, system: System, offload: int = 0) -> Measure | None:
    """A file of 64 MiB, two readers."""
    found = of_files(stage, system, offload)
    if found is None:
        return None
    server, address = found
    requests = stage.frames([wire.http("/large.bin")])

    def measure() -> Figures:
        before = server.cpu_us()
        done = stage.load(address, requests, "-c", 2, "-d", stage.seconds)
        time.sleep(0.05)
        mib = done["bytes"] / (1 << 20)
        spent = server.cpu_us() - before
        return {
            "cpu_us_per_MiB": spent / mib,
            "MiB_rate": mib / done["seconds"],
            "errors": done["errors"],
        }

    return measure


def slow_readers(stage: Stage, system: System) -> Measure | None:
    """Hellos on one worker beside slow readers of large files."""
    found = of_files(stage, system, 1)
    if found is None:
        return None
    server, address = found
    hellos = stage.frames([wire.http()])
    files = stage.frames([wire.http("/large.bin")])

    def measure() -> Figures:
        words = ("-c", READERS, "-s", RATE, "-d", 8, "-t", 60)
        with stage.load_process(address, files, *words) as slow:
            time.sleep(2)
            before = server.cpu_us()
            done = stage.load(address, hellos, "-c", 2, "-d", 4, "-t", 3)
            spent = server.cpu_us() - before
            taken = json.loads(slow.communicate(timeout=60)[0])
        lost = 3e6 if done["timeouts"] else 0.0  # who waited in vain waited for so long
        return {
            "p99_us": max(done["p99_us"], lost),
            "cpu_us": spent / max(1, done["requests"]),
            "errors": done["errors"],
            "answered_rate": done["requests"] / done["seconds"],
            "slow_KiB_rate": taken["bytes"] / 1024 / taken["seconds"],
        }

    return measure


FILES = ("gunicorn-sync", "gunicorn-gthread", "waitress", "cheroot", "nginx")
part = functools.partial
SCENARIOS = [
    Scenario("s1", "hello over HTTP, a connection for each request", hello, peers=WSGI),
    Scenario("s1l", "the same with the request log", part(hello, log=True), peers=GUNICORN),
    Scenario("s1t", "the same with 4 threads", part(hello, threads=4), peers=THREADED),
    Scenario(
        "s2",
        "hello on kept connections, 4 threads, 4 connections",
        part(hello, threads=4, socket="--http11-socket", keep=True),
        peers=THREADED,
    ),
    Scenario("s3", "hello over uwsgi on a UNIX socket", uwsgi_socket, peers=GUNICORN),
    Scenario("s3n", "the same behind nginx, whose cost is not counted", behind_nginx),
    Scenario("s4", "static file of 1 KiB", small_file, peers=FILES),
    Scenario("s4o", "the same with an offload thread", part(small_file, offload=1)),
    Scenario("s5", "static file of 64 MiB, 2 readers", large_file, "cpu_us_per_MiB", peers=FILES),
    Scenario("s5o", "the same, offloaded", part(large_file, offload=1), "cpu_us_per_MiB"),
    Scenario(
        "s5f",
        f"hellos on one worker beside {READERS} slow readers, p99",
        slow_readers,
        "p99_us",
        alone=True,
        peers=("waitress", "gunicorn-sync", "nginx"),
    ),
]
