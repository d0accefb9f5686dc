"""What the master does about workers and routers that die, hang, or have served enough."""

import os
import re
import signal
import time

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    alive,
    awake,
    covers,
    eventually,
    get,
    request,
)

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 2
module = case_app
"""
RESPAWNED = r"^Respawned uWSGI worker {} \(new pid: (\d+)\)"


def ask_until_replaced(subject: Subject) -> None:
    """Make requests, all of which are answered, until worker 1 is another process."""

    def replaced() -> bool:
        assert get(subject.port, "/hello").text == "hello"
        return bool(re.search(RESPAWNED.format(1), subject.log, re.M))

    eventually(replaced, "worker 1 is respawned")


@covers("SC-210", "SC-211")
def test_a_killed_worker_is_replaced_in_its_slot(start: Starter) -> None:
    subject = start(SITE, until="spawned uWSGI worker 2")
    assert get(subject.port).status == 200
    old = subject.worker(1)
    os.kill(old, signal.SIGKILL)
    reason = subject.wait_for(
        rf"DAMN ! worker 1 \(pid: {old}\) died, killed by signal 9 :\( trying respawn \.\.\."
    )
    new = subject.wait_for(RESPAWNED.format(1))
    assert reason.start() < new.start()
    assert int(new[1]) != old
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-211")
def test_a_worker_that_leaves_is_replaced(start: Starter) -> None:
    subject = start(SITE, until="spawned uWSGI worker 2")
    pid = int(get(subject.port, "/who").json()[0])
    number = next(number for number, worker in subject.workers().items() if worker == pid)
    while len(re.findall(RESPAWNED.format(number), subject.log, re.M)) == 0:
        get(subject.port, "/leave/3")
        number = int(subject.wait_for(r"DAMN ! worker (\d) \(pid: \d+\) died :\(")[1])
        subject.wait_for(RESPAWNED.format(number))
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-212")
@pytest.mark.parametrize("front", ["http-socket", "http"])
def test_only_the_request_in_that_worker_is_lost(start: Starter, front: str) -> None:
    """The other worker's request and the router are untouched."""
    subject = start(SITE.replace("http-socket", front), until="spawned uWSGI worker 2")
    with Client(subject.port, request("/hold/a")) as a:
        ((victim, _),) = subject.wait_inside("a")
        with Client(subject.port, request("/hold/b")) as b:
            subject.wait_inside("b")
            os.kill(victim, signal.SIGKILL)
            lost = a.rest()
            assert lost.raw == b"" or lost.status in (500, 502, 503)
            subject.let_go("b")
            assert b.rest().text == "held b"
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-213")
def test_too_many_deaths_make_the_master_sleep(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nlazy-apps = true\nmodule = app\n",
        files={"app.py": "import os\nos._exit(1)\n"},
        until=WORKER,
    )
    subject.wait_for(r"worker respawning too fast !!! i have to sleep a bit \(\d+ seconds\)\.\.\.")


@covers("SC-214", "SC-121")
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_dead_router_is_replaced(start: Starter, sig: int) -> None:
    subject = start(SITE.replace("http-socket", "http"), until=r"spawned uWSGI http 1 \(pid")
    assert get(subject.port).status == 200
    pid = int(subject.wait_for(r"^spawned uWSGI http 1 \(pid: (\d+)\)")[1])
    os.kill(pid, sig)
    subject.wait_for(r"^[Rr]espawned uWSGI http 1 \((new )?pid: (\d+)\)")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-121")
@pytest.mark.parametrize("sig", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP])
def test_a_router_ignores_other_signals(start: Starter, sig: int) -> None:
    subject = start(SITE.replace("http-socket", "http"), until=r"spawned uWSGI http 1 \(pid")
    assert get(subject.port).status == 200
    pid = int(subject.wait_for(r"^spawned uWSGI http 1 \(pid: (\d+)\)")[1])
    os.kill(pid, sig)
    assert get(subject.port, "/hello").text == "hello"
    assert alive(pid)


@covers("SC-122")
def test_connections_wait_while_no_router_lives(start: Starter) -> None:
    subject = start(SITE.replace("http-socket", "http"), until=r"spawned uWSGI http 1 \(pid")
    assert get(subject.port).status == 200
    pid = int(subject.wait_for(r"^spawned uWSGI http 1 \(pid: (\d+)\)")[1])
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    with Client(subject.port, request("/hello")) as client:
        assert client.rest().text == "hello"


@covers("SC-215")
def test_a_terminated_worker_is_replaced(start: Starter) -> None:
    subject = start(SITE, until="spawned uWSGI worker 2")
    awake(subject, 2)
    os.kill(subject.worker(2), signal.SIGTERM)
    subject.wait_for(RESPAWNED.format(2))


@covers("SC-215")
def test_a_worker_told_to_hang_up_finishes_its_request(start: Starter) -> None:
    subject = start(SITE, until="spawned uWSGI worker 2")
    with Client(subject.port, request("/hold/a")) as client:
        ((pid, _),) = subject.wait_inside("a")
        number = next(number for number, worker in subject.workers().items() if worker == pid)
        os.kill(pid, signal.SIGHUP)
        subject.wait_for(rf"Gracefully killing worker {number} \(pid: {pid}\)\.\.\.")
        subject.let_go("a")
        assert client.rest().text == "held a"
    subject.wait_for(RESPAWNED.format(number))


def finish_after_the_masters_death(subject: Subject) -> None:
    subject.process.kill()
    subject.process.wait()
    eventually(lambda: not subject.family(), "all processes have ended")


@covers("SC-216")
@pytest.mark.parametrize("front", ["http-socket", "http"])
def test_nobody_outlives_the_master(start: Starter, front: str) -> None:
    subject = start(SITE.replace("http-socket", front), until="spawned uWSGI worker 2")
    assert get(subject.port).status == 200
    finish_after_the_masters_death(subject)


@covers("SC-216")
def test_a_request_in_progress_survives_the_master(start: Starter) -> None:
    subject = start(SITE, until="spawned uWSGI worker 2")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.process.kill()
        subject.process.wait()
        subject.let_go("a")
        assert client.rest().text == "held a"
    eventually(lambda: not subject.family(), "all processes have ended")


HARAKIRI = """
http-socket = 127.0.0.1:PORT
master = true
harakiri = 3
module = case_app
"""


@covers("SC-217")
def test_a_request_that_takes_too_long_kills_its_worker(start: Starter) -> None:
    subject = start(HARAKIRI, until=WORKER)
    with Client(subject.port, request("/hold/long")) as client:
        answer = client.rest()
        assert answer.raw == b"" or answer.status in (502, 504)
    subject.wait_for(r"HARAKIRI ON WORKER 1 \(pid: \d+, try: 1")
    subject.wait_for(RESPAWNED.format(1))
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-218")
def test_the_deadline_is_that_of_the_request(start: Starter) -> None:
    """Another request that ends in the same worker does not save a stuck one."""
    subject = start(HARAKIRI.replace("= 3\n", "= 5\n") + "threads = 2\n", until=WORKER)
    with Client(subject.port, request("/hold/long"), limit=20) as client:
        subject.wait_inside("long")
        assert get(subject.port, "/hello").text == "hello"
        answer = client.rest()
        assert answer.raw == b"" or answer.status in (502, 504)


@covers("SC-217")
def test_a_request_in_time_is_not_touched(start: Starter) -> None:
    subject = start(HARAKIRI.replace("= 3\n", "= 30\n"), until=WORKER)
    assert get(subject.port, "/hello").text == "hello"
    assert "HARAKIRI ON" not in subject.log


@covers("SC-217")
def test_a_slow_request_that_is_in_time_is_answered(start: Starter) -> None:
    """The master has looked at it, as the statistics of a second of work show."""
    subject = start(HARAKIRI.replace("= 3\n", "= 60\n"), until=WORKER)
    with Client(subject.port, request("/hold/a")) as client:
        ((pid, _),) = subject.wait_inside("a")
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > 1.5, "two rounds of the master")
        subject.let_go("a")
        assert client.rest().text == "held a"
        assert pid in subject.workers().values()
    assert "HARAKIRI ON" not in subject.log


@covers("SC-220")
def test_a_worker_that_has_served_enough_is_replaced(start: Starter) -> None:
    """`max-requests`: no request is lost on the way."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        max-requests = 3
        min-worker-lifetime = 1
        module = case_app
        """,
        until=WORKER,
    )
    ask_until_replaced(subject)
    subject.wait_for(r"The work of process \d+ is done")


@covers("SC-221")
def test_a_worker_that_has_lived_long_enough_is_replaced(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        min-worker-lifetime = 1
        max-worker-lifetime = 2
        module = case_app
        """,
        until=WORKER,
    )
    subject.wait_for(r"worker 1 lifetime reached, it was running for \d+ second")
    subject.wait_for(RESPAWNED.format(1))
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-221")
def test_the_lifetimes_must_fit(start: Starter) -> None:
    ended = start.run(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nmax-worker-lifetime = 5\nmodule = case_app"
    )
    assert ended.code == 1
    assert "min-worker-lifetime" in ended.log


@covers("SC-222")
def test_a_worker_that_has_grown_too_much_is_replaced(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        reload-on-rss = 1
        min-worker-lifetime = 1
        module = case_app
        """,
        until=WORKER,
    )
    ask_until_replaced(subject)


@covers("SC-219")
def test_a_gentle_harakiri_begins_with_a_signal(start: Starter) -> None:
    subject = start(HARAKIRI + "harakiri-graceful-timeout = 10\n", until=WORKER)
    with Client(subject.port, request("/hold/long")) as client:
        answer = client.rest()
        assert answer.raw == b"" or answer.status in (502, 504)
    subject.wait_for(RESPAWNED.format(1))
