"""cheaper: workers that come and go.

What: counts are read from the stats server; what is asked is always that a count is reached, or
      that it never leaves its bounds, not when.
"""

import re

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    get,
    request,
    stats,
)

SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
module = case_app
"""


def live(subject: Subject) -> list[int]:
    workers = stats(subject.ports["PORT1"])["workers"]
    return [worker["id"] for worker in workers if worker["status"] != "cheap"]


def serving(start: Starter, more: str) -> Subject:
    return start(SITE + more, until=WORKER)


@covers("SC-30", "SC-48")
def test_cheaper_is_the_number_at_start(start: Starter) -> None:
    """It implies the master; the stats list every slot, also the unborn ones."""
    subject = serving(start, "processes = 4\ncheaper = 2\n")
    subject.wait_for(r"^spawned uWSGI master process")
    subject.wait_for(r"^spawned uWSGI worker 2 ")
    workers = stats(subject.ports["PORT1"])["workers"]
    assert [worker["status"] for worker in workers] == ["idle", "idle", "cheap", "cheap"]
    assert [bool(worker["pid"]) for worker in workers] == [True, True, False, False]


@covers("SC-31")
@pytest.mark.parametrize("lines", ["processes = 2\ncheaper = 2\n", "cheaper = 1\n"])
def test_cheaper_must_be_less_than_processes(start: Starter, lines: str) -> None:
    ended = start.run(SITE + lines)
    assert ended.code == 1
    assert "invalid cheaper value: must be lower than processes" in ended.log


@covers("SC-32")
def test_cheaper_zero_is_off(start: Starter) -> None:
    subject = serving(start, "master = true\nprocesses = 2\ncheaper = 0\n")
    subject.wait_for("^spawned uWSGI worker 2 ")


@covers("SC-33")
@pytest.mark.parametrize(
    ("initial", "count", "warning"),
    [
        (3, 3, ""),
        (1, 2, r"warning: invalid cheaper-initial value \(1\), must be equal or higher than"),
        (9, 4, r"warning: invalid cheaper-initial value \(9\), must be lower or equal than"),
    ],
)
def test_cheaper_initial(start: Starter, initial: int, count: int, warning: str) -> None:
    subject = serving(
        start,
        f"processes = 4\ncheaper = 2\ncheaper-initial = {initial}\ncheaper-overload = 1000\n",
    )
    subject.wait_for(rf"^spawned uWSGI worker {count} ")
    assert live(subject) == list(range(1, count + 1))
    assert bool(warning) == bool(re.search("warning: invalid cheaper-initial", subject.log))
    assert re.search(warning, subject.log)


@covers("SC-36")
def test_the_algorithms_are_listed(start: Starter) -> None:
    subject = serving(start, "processes = 2\ncheaper = 1\ncheaper-algos-list = true\n")
    first = subject.wait_for(r"\*\*\* uWSGI loaded cheaper algorithms \*\*\*").end()
    last = subject.wait_for("--- end of cheaper algorithms list ---").start()
    assert {"spare", "backlog", "busyness", "manual"} <= set(subject.log[first:last].split())


@covers("SC-36")
def test_an_unknown_algorithm_is_refused_or_replaced(start: Starter) -> None:
    subject = start.launch(SITE + "processes = 2\ncheaper = 1\ncheaper-algo = nosuch\n")
    subject.wait_for("unable to find requested cheaper algorithm|nosuch")


@covers("SC-37", "SC-38", "SC-40", "SC-42", "SC-43")
@pytest.mark.parametrize("algo", ["spare", "busyness", "backlog"])
def test_when_all_are_busy_more_workers_come_and_go_again(start: Starter, algo: str) -> None:
    """One at a time, while there is need; the idle ones leave later."""
    subject = serving(
        start,
        f"""
        processes = 3
        cheaper = 1
        cheaper-algo = {algo}
        cheaper-overload = 1
        cheaper-busyness-multiplier = 1
        """.replace("        ", ""),
    )
    clients = [Client(subject.port, request("/hold/a"), limit=60) for _ in range(4)]
    try:
        subject.wait_inside("a")
        subject.wait_for(r"^spawned uWSGI worker 2 \(pid: \d+, cores: \d\)")
        eventually(lambda: 2 in live(subject), "worker 2 lives")
        subject.let_go("a")
        assert [client.rest().text for client in clients] == ["held a"] * 4
    finally:
        for client in clients:
            client.sock.close()
    subject.wait_for(r"^worker \d killed successfully \(pid: \d+\)")
    subject.wait_for(r"uWSGI worker \d cheaped\.")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-35")
def test_one_request_makes_a_worker_of_two_cores_busy(start: Starter) -> None:
    subject = serving(start, "processes = 2\ncheaper = 1\ncheaper-overload = 1\nthreads = 2\n")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.wait_for(r"^spawned uWSGI worker 2 ")
        subject.let_go("a")
        assert client.rest().text == "held a"


@covers("SC-37")
def test_the_step_is_the_number_of_workers_at_once(start: Starter) -> None:
    subject = serving(start, "processes = 4\ncheaper = 1\ncheaper-overload = 1\ncheaper-step = 3\n")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        for number in (2, 3, 4):
            subject.wait_for(rf"^spawned uWSGI worker {number} ")
        subject.let_go("a")
        assert client.rest().text == "held a"


@covers("SC-38", "SC-39")
def test_a_slot_that_is_used_again_is_respawned(start: Starter) -> None:
    """After a worker has been stopped, its slot comes back under another word."""
    subject = serving(start, "processes = 2\ncheaper = 1\ncheaper-overload = 1\n")

    def press(name: str, pattern: str) -> None:
        with Client(subject.port, request(f"/hold/{name}"), limit=60) as client:
            subject.wait_inside(name)
            subject.wait_for(pattern)
            subject.let_go(name)
            assert client.rest().text == f"held {name}"

    press("a", r"^spawned uWSGI worker 2 ")
    subject.wait_for(r"uWSGI worker \d cheaped\.")
    press("b", r"^Respawned uWSGI worker \d \(new pid: \d+\)")


@covers("SC-39", "SC-49")
def test_a_busy_worker_is_never_stopped(start: Starter) -> None:
    """Of three workers two leave; the one with a request stays until it is answered."""
    subject = serving(
        start, "processes = 3\ncheaper = 1\ncheaper-initial = 3\ncheaper-overload = 1\n"
    )
    subject.wait_for("^spawned uWSGI worker 3 ")
    with Client(subject.port, request("/hold/a"), limit=60) as client:
        ((pid, _),) = subject.wait_inside("a")
        subject.wait_for(r"uWSGI worker \d cheaped\.")
        assert f"killed successfully (pid: {pid})" not in subject.log
        subject.let_go("a")
        assert client.rest().text == "held a"
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-41")
def test_idle_workers_leave_until_the_minimum(start: Starter) -> None:
    subject = serving(
        start, "processes = 4\ncheaper = 1\ncheaper-initial = 4\ncheaper-overload = 1\n"
    )
    subject.wait_for("^spawned uWSGI worker 4 ")
    eventually(lambda: len(live(subject)) == 1, "one worker")
    for _ in range(3):
        assert get(subject.port, "/hello").text == "hello"


@covers("SC-43")
def test_busyness_prints_its_settings(start: Starter) -> None:
    subject = serving(
        start,
        "processes = 2\ncheaper = 1\ncheaper-algo = busyness\ncheaper-overload = 2\n"
        "cheaper-busyness-multiplier = 2\n",
    )
    subject.wait_for(
        r"\[busyness\] settings: min=25%, max=50%, overload=2, multiplier=2, respawn penalty=2"
    )


@covers("SC-46")
@pytest.mark.parametrize(
    "lines",
    [
        "cheaper-rss-limit-soft = 1000\n",
        "memory-report = true\ncheaper-rss-limit-hard = 1000\n",
        "memory-report = true\ncheaper-rss-limit-soft = 1000\ncheaper-rss-limit-hard = 10\n",
    ],
)
def test_wrong_memory_limits_are_refused(start: Starter, lines: str) -> None:
    ended = start.run(SITE + "processes = 2\ncheaper = 1\n" + lines)
    assert ended.code == 1
    assert "cheaper-rss-limit" in ended.log


@covers("SC-46")
def test_the_soft_memory_limit_blocks_spawning(start: Starter) -> None:
    subject = serving(
        start,
        "processes = 2\ncheaper = 1\ncheaper-overload = 1\n"
        "memory-report = true\ncheaper-rss-limit-soft = 1000\n",
    )
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.let_go("a")
        assert client.rest().text == "held a"
    assert live(subject) == [1]


@covers("SC-47")
def test_an_overload_of_zero_is_refused_or_works(start: Starter) -> None:
    subject = start.launch(SITE + "processes = 2\ncheaper = 1\ncheaper-overload = 0\n")
    subject.wait_for("cheaper-overload|spawned uWSGI worker 1 ")
    if "spawned uWSGI worker 1 " in subject.log:
        with Client(subject.port, request("/hold/a")) as client:
            subject.wait_inside("a")
            subject.wait_for("spawned uWSGI worker 2 ")
            subject.let_go("a")
            assert client.rest().text == "held a"


@covers("SC-34", "SC-49")
def test_nothing_is_lost_while_workers_come_and_go(start: Starter) -> None:
    subject = serving(start, "processes = 3\ncheaper = 1\ncheaper-overload = 1\n")

    def gone() -> bool:
        assert get(subject.port, "/hello").text == "hello"
        return "cheaped." in subject.log

    with Client(subject.port, request("/hold/a"), limit=60) as client:
        subject.wait_inside("a")
        subject.wait_for("^spawned uWSGI worker 2 ")
        subject.let_go("a")
        assert client.rest().text == "held a"
    eventually(gone, "a worker is cheaped")
