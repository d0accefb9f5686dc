"""The stats server: one JSON object for whoever connects."""

import json
import os
import pty
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    exchange,
    get,
    listening,
    request,
    stats,
)

SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
module = case_app
"""


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(SITE + "processes = 2\nthreads = 2\noffload-threads = 1\n", until=WORKER)


@pytest.fixture
def shown(site: Subject) -> Any:
    return stats(site.ports["PORT1"])


TOP = [
    "version",
    "listen_queue",
    "listen_queue_errors",
    "signal_queue",
    "load",
    "pid",
    "uid",
    "gid",
    "cwd",
    "locks",
    "sockets",
    "workers",
]
WORKER_KEYS = (
    "id pid accepting requests delta_requests exceptions harakiri_count signals signal_queue "
    "status rss vsz running_time last_spawn respawn_count tx avg_rt apps cores"
)
CORE_KEYS = (
    "id requests static_requests routed_requests offloaded_requests write_errors read_errors "
    "in_request vars req_info"
)
APP_KEYS = "id modifier1 mountpoint startup_time requests exceptions chdir"
SOCKET_KEYS = "name proto queue max_queue shared can_offload"


@covers("OF-170")
def test_the_keys_in_order(shown: Any) -> None:
    assert [key for key in shown if key in TOP] == TOP


@covers("OF-170", "SC-308")
@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("workers", WORKER_KEYS),
        ("workers.cores", CORE_KEYS),
        ("workers.apps", APP_KEYS),
        ("sockets", SOCKET_KEYS),
    ],
)
def test_the_keys_of_the_parts(shown: Any, path: str, keys: str) -> None:
    found = shown
    for part in path.split("."):
        found = found[part][0]
    wanted = keys.split()
    assert [key for key in found if key in wanted] == wanted


@covers("OF-170")
def test_numbers_are_integers(shown: Any) -> None:
    def numbers(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [n for v in value.values() for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [] if isinstance(value, str) else [value]

    assert {type(number) for number in numbers(shown)} == {int}


@covers("OF-171")
def test_a_busy_core(site: Subject) -> None:
    with Client(site.port, request("/hold/busy?x=1")) as client:
        site.wait_inside("busy")
        shown = stats(site.ports["PORT1"])
        busy = [worker for worker in shown["workers"] if worker["status"] == "busy"]
        assert len(busy) == 1
        (core,) = [core for core in busy[0]["cores"] if core["in_request"]]
        assert "QUERY_STRING=x=1" in core["vars"]
        assert core["vars"][-1] == ""
        assert core["req_info"]["request_start"] > 1_000_000_000
        site.let_go("busy")
        assert client.rest().status == 200


@covers("OF-172")
@pytest.mark.parametrize("option", ["stats", "stats-server"])
@pytest.mark.parametrize("address", ["DIR/stats.sock", "@stats-of-PORT", ":PORT1"])
def test_addresses(start: Starter, option: str, address: str) -> None:
    subject = start(
        f"http-socket = 127.0.0.1:PORT\n{option} = {address}\nmodule = case_app\n", until=WORKER
    )
    subject.wait_for(r"\*\*\* Stats server enabled on .* fd: \d+ \*\*\*")
    subject.wait_for("^spawned uWSGI master process")
    where: str | int = subject.ports.get("PORT1", 0)
    if address.startswith("@"):
        where = f"@stats-of-{subject.port}"
    elif address.startswith("DIR"):
        where = subject.path("stats.sock")
    assert listening(where)
    assert stats(where)["pid"] == subject.pid


@covers("OF-173")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_over_http(start: Starter, method: str) -> None:
    subject = start(SITE + "stats-http = true\n", until=WORKER)
    answer = exchange(subject.ports["PORT1"], request("/any/path", method))
    assert answer.status_line.endswith(" 200 OK")
    assert answer.get("content-type") == "application/json"
    assert answer.get("access-control-allow-origin") == "*"
    assert answer.json()["pid"] == subject.pid


@covers("OF-173")
def test_a_silent_client_does_not_stop_the_master(start: Starter) -> None:
    """Another is answered while the first is still silent."""
    subject = start(SITE + "stats-http = true\nsocket-timeout = 25\n", until=WORKER)
    port = subject.ports["PORT1"]
    with Client(port), Client(port, request("/"), limit=15) as second:
        assert second.rest().json()["pid"] == subject.pid


@covers("OF-174")
@pytest.mark.parametrize("option", ["stats-minified", "stats-min"])
def test_minified(start: Starter, option: str) -> None:
    subject = start(SITE + f"{option} = true\n", until=WORKER)
    raw = exchange(subject.ports["PORT1"], b"").raw.decode().rstrip("\n")
    assert "\n" not in raw
    assert '":' in raw
    assert '": ' not in raw
    assert json.loads(raw)["pid"] == subject.pid


@covers("OF-174")
def test_indented_by_tabs(site: Subject) -> None:
    assert b'\n\t"version":' in exchange(site.ports["PORT1"], b"").raw


@covers("OF-175")
def test_parts_may_be_left_out(start: Starter) -> None:
    subject = start(
        SITE + "stats-no-cores = true\nstats-no-metrics = true\nenable-metrics = true\n",
        until=WORKER,
    )
    shown = stats(subject.ports["PORT1"])
    assert "metrics" not in shown
    assert "cores" not in shown["workers"][0]


@covers("OF-176")
def test_an_address_in_use_ends_the_start(start: Starter) -> None:
    first = start("http-socket = 127.0.0.1:PORT\nmodule = case_app\n")
    ended = start.run(
        f"http-socket = 127.0.0.1:PORT\nstats = 127.0.0.1:{first.port}\nmodule = case_app\n"
    )
    assert ended.code == 1


@covers("OF-177")
def test_counters_over_the_life_of_a_worker(start: Starter) -> None:
    subject = start(SITE, until=WORKER)
    for _ in range(3):
        get(subject.port, "/hello")
    get(subject.port, "/leave/1")
    subject.wait_for("^Respawned uWSGI worker 1")
    get(subject.port, "/hello")
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    assert worker["requests"] >= 4
    assert worker["delta_requests"] == 1
    assert worker["respawn_count"] == 2


@covers("OF-178")
def test_the_binary_can_read_it(site: Subject, start: Starter) -> None:
    ended = start.run("", "--connect-and-read", f"127.0.0.1:{site.ports['PORT1']}")
    assert '"workers"' in ended.log


@covers("OF-179")
def test_uwsgitop_reads_it(site: Subject) -> None:
    """It needs a terminal; a pseudo one is enough."""

    tool = shutil.which("uwsgitop", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    if tool is None:
        pytest.skip("absent: no uwsgitop")
    terminal, end = pty.openpty()
    address = f"127.0.0.1:{site.ports['PORT1']}"
    env = {**os.environ, "TERM": "xterm", "LINES": "24", "COLUMNS": "80"}
    shown = b""
    with subprocess.Popen([tool, address], stdin=end, stdout=end, stderr=end, env=env) as process:
        os.close(end)
        try:
            while b"STATUS" not in shown.upper() and b"Traceback" not in shown:
                shown += os.read(terminal, 4096)
        except OSError:
            pass
        process.kill()
    os.close(terminal)
    assert b"Traceback" not in shown
    assert b"STATUS" in shown.upper(), shown


@covers("OF-8", "OF-170")
def test_the_caches_are_shown(start: Starter) -> None:
    subject = start(SITE + "cache2 = name=c1,items=20\nadd-cache-item = a=b\n", until=WORKER)
    (cache,) = stats(subject.ports["PORT1"])["caches"]
    assert (cache["name"], cache["max_items"], cache["items"]) == ("c1", 20, 1)
