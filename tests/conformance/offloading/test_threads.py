"""offload-threads: how many there are, and how their work is counted."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    get,
    request,
    stats,
    threads,
)

SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
check-static = DIR/static
module = case_app
"""
FILES: dict[str, str | bytes] = {"static/a.txt": "0123456789", "static/empty.txt": ""}
LINE = r"^spawned {} offload threads for uWSGI worker {}$"


def cores(subject: Subject) -> list[dict[str, Any]]:
    workers = stats(subject.ports["PORT1"])["workers"]
    return [core for worker in workers for core in worker["cores"]]


def offloaded(subject: Subject) -> int:
    return sum(int(core["offloaded_requests"]) for core in cores(subject))


@covers("OF-1", "OF-5")
@pytest.mark.parametrize("option", ["offload-threads", "offload-thread"])
def test_so_many_threads_are_spawned(start: Starter, option: str) -> None:
    """The line comes once for each worker, after the worker's own."""
    subject = start(SITE + f"{option} = 4\n", files=FILES)
    line = subject.wait_for(LINE.format(4, 1))
    assert subject.wait_for(r"^spawned uWSGI worker 1 ").start() < line.start()


@covers("OF-1")
def test_on_the_command_line(start: Starter) -> None:
    subject = start(SITE, "--offload-threads", "2", files=FILES)
    subject.wait_for(LINE.format(2, 1))


@covers("OF-2", "OF-3")
def test_the_number_is_that_of_each_worker(start: Starter) -> None:
    bare = start(SITE + "processes = 1\n", files=FILES, until=WORKER)
    subject = start(SITE + "processes = 2\noffload-threads = 3\n", files=FILES)
    for number in (1, 2):
        subject.wait_for(LINE.format(3, number))
    assert get(bare.port, "/hello").status == 200
    assert get(subject.port, "/hello").status == 200
    without = threads(bare.worker())
    pids = [subject.worker(number) for number in (1, 2)]
    eventually(lambda: all(threads(pid) == without + 3 for pid in pids), "three more in each")


@covers("OF-2")
def test_a_respawned_worker_has_its_own_again(start: Starter) -> None:
    subject = start(SITE + "offload-threads = 2\n", files=FILES, until=LINE.format(2, 1))
    assert get(subject.port, "/a.txt").status == 200
    since = len(subject.log)
    os.kill(subject.worker(), signal.SIGKILL)
    subject.wait_for(LINE.format(2, 1), since=since)
    assert get(subject.port, "/a.txt").body == b"0123456789"


@covers("OF-4")
def test_nothing_else_is_needed(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\ncheck-static = DIR/static\noffload-threads = 1\n",
        files=FILES,
        until=LINE.format(1, 1),
    )
    answer = get(subject.port, "/a.txt")
    assert answer.body == b"0123456789"
    subject.wait_for(r"GET /a\.txt => .* via offload\(\) ")


@covers("OF-6")
@pytest.mark.parametrize("value", ["-1", "abc"])
def test_bad_numbers_end_the_start(start: Starter, value: str) -> None:
    subject = start.launch(SITE + f"offload-threads = {value}\n", files=FILES)
    assert subject.ended(limit=15) == 1
    assert "offload-threads" in subject.log


@covers("OF-6")
def test_zero_is_off(start: Starter) -> None:
    subject = start(SITE + "offload-threads = 0\n", files=FILES, until=WORKER)
    assert get(subject.port, "/a.txt").body == b"0123456789"
    assert "offload threads for" not in subject.log
    assert offloaded(subject) == 0


@covers("OF-6")
def test_a_missing_number_ends_the_start(start: Starter) -> None:
    ended = start.run("", "--http-socket", "127.0.0.1:PORT", "--offload-threads")
    assert ended.code == 1


@covers("OF-7")
def test_all_threads_get_their_share(start: Starter) -> None:
    """More stalled transfers than threads: every one of them is completed."""
    size = 3_000_000
    subject = start(
        SITE + "offload-threads = 4\n", files={"static/big.bin": b"x" * size}, until=WORKER
    )
    clients = [Client(subject.port, request("/big.bin"), receive_buffer=4096) for _ in range(12)]
    try:
        assert get(subject.port, "/hello").text == "hello"
        assert [len(client.rest().body) for client in clients] == [size] * 12
    finally:
        for client in clients:
            client.sock.close()
    eventually(lambda: offloaded(subject) == 12, "twelve transfers are counted")


@covers("OF-7", kind="beyond")
def test_the_threads_take_turns(start: Starter) -> None:
    """The stats say what each thread was given: of four tasks each of two has two."""
    subject = start(
        SITE + "offload-threads = 2\n", files={"static/big.bin": b"x" * 1_000_000}, until=WORKER
    )
    for _ in range(4):
        assert len(get(subject.port, "/big.bin").body) == 1_000_000
    (threads,) = stats(subject.ports["PORT1"])["offload"]
    assert [thread["tasks"] for thread in threads] == [2, 2]


@covers("OF-8")
@pytest.mark.parametrize(
    ("option", "number", "can"),
    [("socket", 1, 1), ("http-socket", 1, 1), ("http11-socket", 1, 1), ("http-socket", 0, 0)],
)
def test_a_socket_says_whether_it_can_offload(
    start: Starter, option: str, number: int, can: int
) -> None:
    subject = start(
        SITE.replace("http-socket", option) + f"offload-threads = {number}\n", files=FILES
    )
    assert stats(subject.ports["PORT1"])["sockets"][0]["can_offload"] == can


@covers("OF-10", "OF-11", "OF-12", "OF-14")
def test_what_is_counted(start: Starter) -> None:
    """Transfers are; answers of the app, HEAD, 304 and an empty file are not."""
    subject = start(SITE + "offload-threads = 1\n", files=FILES, until=WORKER)
    for _ in range(3):
        assert get(subject.port, "/a.txt").status == 200
    eventually(lambda: offloaded(subject) == 3, "three transfers are counted")
    get(subject.port, "/hello")
    exchange(subject.port, request("/a.txt", "HEAD"))
    get(subject.port, "/empty.txt")
    not_modified = get(subject.port, "/a.txt", ("If-Modified-Since", future()))
    assert not_modified.status == 304
    assert offloaded(subject) == 3
    eventually(lambda: sum(core["static_requests"] for core in cores(subject)) in (5, 6))


def future() -> str:
    return "Sat, 01 Jan 2033 00:00:00 GMT"


@covers("OF-14")
def test_the_count_survives_the_worker(start: Starter) -> None:
    subject = start(SITE + "offload-threads = 1\n", files=FILES, until=LINE.format(1, 1))
    assert get(subject.port, "/a.txt").status == 200
    since = len(subject.log)
    os.kill(subject.worker(), signal.SIGKILL)
    subject.wait_for(LINE.format(1, 1), since=since)
    assert get(subject.port, "/a.txt").status == 200
    eventually(lambda: offloaded(subject) == 2, "both transfers are counted")


@covers("OF-15")
def test_the_metric(start: Starter) -> None:
    subject = start(
        SITE + "offload-threads = 1\nenable-metrics = true\n", files=FILES, until=WORKER
    )
    assert get(subject.port, "/a.txt").status == 200
    name = "worker.1.core.0.offloaded_requests"

    def metric() -> Any:
        found = stats(subject.ports["PORT1"])["metrics"][name]
        return found if found["value"] else None

    assert eventually(metric, "the metric") == {"type": 0, "oid": "3.1.2.0.6", "value": 1}


@covers("OF-16")
def test_the_metric_as_a_file(start: Starter) -> None:
    directory = start.directory({"metrics/.keep": ""})
    subject = start(
        SITE + f"offload-threads = 1\nmetrics-dir = {directory}/metrics\n",
        files=FILES,
        until=WORKER,
    )
    assert get(subject.port, "/a.txt").status == 200
    file = Path(directory) / "metrics" / "worker.1.core.0.offloaded_requests"
    eventually(lambda: file.exists() and file.read_bytes().startswith(b"1\n"), "the file")


@covers("OF-9")
def test_without_threads_the_worker_sends(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    assert get(subject.port, "/a.txt").body == b"0123456789"
    assert offloaded(subject) == 0
    subject.wait_for(r"GET /a\.txt => .* via sendfile\(\) ")
