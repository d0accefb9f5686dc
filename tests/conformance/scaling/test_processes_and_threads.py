"""processes and threads: how many requests are inside at once, and in whom."""

from collections import Counter

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    children,
    covers,
    eventually,
    exchange,
    get,
    request,
    stats,
    tree,
)


def ask_all(subject: Subject, paths: list[str]) -> list[Client]:
    return [Client(subject.port, request(path), limit=40) for path in paths]


def close_all(clients: list[Client]) -> None:
    for client in clients:
        client.sock.close()


@covers("SC-20")
def test_without_options_there_is_one_process_with_one_core(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app")
    subject.wait_for(r"^spawned uWSGI worker 1 \(and the only\) \(pid: \d+, cores: 1\)$")
    assert tree(subject.pid) == [subject.pid]
    assert get(subject.port, "/who").json()[0] == subject.pid


@covers("SC-20")
def test_the_backlog_is_a_hundred(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app")
    subject.wait_for("your server socket listen backlog is limited to 100 connections")


@covers("SC-21")
@pytest.mark.parametrize("option", ["processes = 3", "workers = 3"])
def test_so_many_workers_are_spawned(start: Starter, option: str) -> None:
    subject = start(f"http-socket = 127.0.0.1:PORT\nmaster = true\n{option}\nmodule = case_app")
    for number in (1, 2, 3):
        subject.wait_for(rf"^spawned uWSGI worker {number} \(pid: \d+, cores: 1\)$")
    assert sorted(subject.workers().values()) == children(subject.pid)


@covers("SC-21")
def test_minus_p_on_the_command_line(start: Starter) -> None:
    subject = start("", "--http-socket", "127.0.0.1:PORT", "-M", "-p", "2", "--module", "case_app")
    subject.wait_for(r"^spawned uWSGI worker 2 \(pid: \d+, cores: 1\)$")


@covers("SC-22")
def test_the_threads_have_names(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nthreads = 3\nmodule = case_app")
    clients = ask_all(subject, ["/hold/a"] * 2)
    try:
        subject.wait_inside("a", 2)
        name = get(subject.port, "/who").json()[2]
        assert name in {f"uWSGIWorker1Core{n}" for n in range(3)}
        subject.let_go("a")
        assert [client.rest().text for client in clients] == ["held a"] * 2
    finally:
        close_all(clients)


@covers("SC-23")
def test_four_processes_of_two_threads_are_eight_at_once(start: Starter) -> None:
    """Eight requests are inside the app together, two in each of four processes; not nine."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        processes = 4
        threads = 2
        module = case_app
        """,
        until=r"spawned uWSGI worker 4",
    )
    clients = ask_all(subject, ["/hold/gate"] * 9)
    try:
        inside = subject.wait_inside("gate", 8)
        assert len(inside) == 8
        assert sorted(Counter(pid for pid, _ in inside).values()) == [2, 2, 2, 2]
        assert len(set(inside)) == 8
        subject.let_go("gate")
        assert [client.rest().text for client in clients] == ["held gate"] * 9
    finally:
        close_all(clients)


@covers("SC-24")
def test_what_comes_on_top_waits_and_is_served(start: Starter) -> None:
    """One core and a backlog of five: fourteen clients are all answered."""
    subject = start("http-socket = 127.0.0.1:PORT\nlisten = 5\nmodule = case_app")
    with Client(subject.port, request("/hold/first")) as first:
        subject.wait_inside("first")
        clients = ask_all(subject, ["/hello"] * 5)
        subject.let_go("first")
        assert first.rest().status == 200
        clients += ask_all(subject, ["/hello"] * 8)
        assert [client.rest().text for client in clients] == ["hello"] * 13
        close_all(clients)


@covers("SC-25")
def test_one_core_takes_one_request_at_a_time(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app")
    clients = ask_all(subject, ["/hold/one"])
    subject.wait_inside("one")
    clients += ask_all(subject, ["/hold/two"])
    subject.let_go("one")
    assert clients[0].rest().text == "held one"
    subject.wait_inside("two")
    subject.let_go("two")
    assert clients[1].rest().text == "held two"
    close_all(clients)


@covers("SC-25")
def test_the_second_request_begins_after_the_first_has_ended(start: Starter) -> None:
    app = """
import threading, time
inside = 0
most = 0
def application(environ, start_response):
    global inside, most
    inside += 1
    most = max(most, inside)
    time.sleep(0.05)
    inside -= 1
    start_response("200 OK", [])
    return [str(most).encode()]
"""
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = app", files={"app.py": app})
    clients = ask_all(subject, ["/"] * 5)
    assert {client.rest().text for client in clients} == {"1"}
    close_all(clients)


@covers("SC-26")
def test_the_apps_own_threads_run_between_requests(start: Starter) -> None:
    app = """
import itertools, threading, time
from pathlib import Path
import os
def tick():
    for n in itertools.count():
        Path(os.environ["CASE_DIR"], "ticks").write_text(str(n))
        time.sleep(0.02)
threads = []
def application(environ, start_response):
    if not threads:
        threads.append(threading.Thread(target=tick, daemon=True))
        threads[0].start()
    start_response("200 OK", [])
    return [b"x"]
"""
    subject = start(
        "http-socket = 127.0.0.1:PORT\nthreads = 2\nmodule = app", files={"app.py": app}
    )
    subject.wait_for("python threads support enabled")
    get(subject.port)
    ticks = subject.directory / "ticks"
    eventually(lambda: ticks.exists() and int(ticks.read_text() or 0) > 5, "ticks between requests")


@covers("SC-28")
def test_concurrent_requests_do_not_mix(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nthreads = 4\nmodule = case_app")
    clients = [
        Client(
            subject.port, request("/echo", "POST", [("X-Number", str(n))], f"{n}".encode() * 500)
        )
        for n in range(40)
    ]
    for number, client in enumerate(clients):
        assert client.rest().body == f"{number}".encode() * 500
    close_all(clients)


@covers("SC-29")
def test_without_a_master_nobody_is_respawned(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\nprocesses = 2\nmodule = case_app",
        until="spawned uWSGI worker 2",
    )
    subject.wait_for("you are running uWSGI without its master process manager")
    assert subject.worker(1) == subject.pid
    second = subject.worker(2)
    eventually(lambda: second in tree(subject.pid))
    clients = ask_all(subject, ["/hold/a"] * 2)
    assert {pid for pid, _ in subject.wait_inside("a", 2)} == {subject.pid, second}
    subject.let_go("a")
    assert [client.rest().text for client in clients] == ["held a"] * 2
    close_all(clients)


@covers("SC-29")
def test_a_router_works_without_a_master(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmodule = case_app")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-23", "SC-308")
def test_the_stats_know_every_core(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        stats = 127.0.0.1:PORT1
        processes = 2
        threads = 3
        module = case_app
        """
    )
    port = subject.ports["PORT1"]
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        shown = stats(port)
        cores = [core for worker in shown["workers"] for core in worker["cores"]]
        assert len(cores) == 6
        assert sum(core["in_request"] for core in cores) == 1
        assert sorted(worker["status"] for worker in shown["workers"]) == ["busy", "idle"]
        subject.let_go("a")
        assert client.rest().status == 200
    assert exchange(port, b"").raw.startswith(b"{")


@covers("SC-21")
def test_the_app_is_loaded_once_before_the_fork(start: Starter) -> None:
    app = """
import os
print("imported by", os.getpid(), flush=True)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
"""
    subject = start(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nprocesses = 3\nmodule = app",
        files={"app.py": app},
        until="spawned uWSGI worker 3",
    )
    assert get(subject.port).status == 200
    assert subject.log.count("imported by") == 1
    assert f"imported by {subject.pid}" in subject.log
