"""Workers that are killed: only their own requests end."""

import os
import random
import re
import signal

import pytest

from tests.conformance.harness import Client, Starter, Subject, get, request
from tests.integration.load import Load, http, uwsgi

THREADS = 2
SITE = f"""
http-socket = 127.0.0.1:PORT
socket = DIR/site.sock
master = true
processes = 3
threads = {THREADS}
offload-threads = 1
module = case_app
"""
LAST = r"^spawned uWSGI worker 3 \(pid"


def workers_now(subject: Subject) -> dict[int, int]:
    """Number and pid of the workers that the log told of last."""
    found = re.findall(r"uWSGI worker (\d+) \((?:new )?pid: (\d+)", subject.log)
    return {int(number): int(pid) for number, pid in found}


def test_only_requests_inside_the_killed_workers_are_lost(start: Starter) -> None:
    subject = start(SITE, until=LAST)
    path = subject.path("site.sock")
    victims = random.Random(3)
    kills = 6
    with Load([http(subject.port), http(subject.port), uwsgi(path), uwsgi(path)]) as load:
        for _ in range(kills):
            number = victims.choice([1, 2, 3])
            since = len(subject.log)
            os.kill(workers_now(subject)[number], signal.SIGKILL)
            subject.wait_for(rf"^DAMN ! worker {number} \(pid: \d+\) died", since=since)
            subject.wait_for(rf"^Respawned uWSGI worker {number} ", since=since)
            load.wait_more(8)
    assert len(load.failures) <= kills * THREADS, load.failures


def test_the_others_requests_go_on(start: Starter) -> None:
    """Six requests are inside, two in each worker; a kill ends exactly its worker's two."""
    subject = start(SITE, until=LAST)
    clients = [Client(subject.port, request("/hold/all")) for _ in range(6)]
    try:
        inside = [pid for pid, _ in subject.wait_inside("all", 6)]
        victim = inside[0]
        os.kill(victim, signal.SIGKILL)
        subject.wait_for(r"^Respawned uWSGI worker")
        subject.let_go("all")
        answers = [client.rest() for client in clients]
    finally:
        for client in clients:
            client.sock.close()
    assert sum(answer.text == "held all" for answer in answers) == 6 - inside.count(victim)
    assert sum(answer.raw == b"" for answer in answers) == inside.count(victim)


@pytest.mark.parametrize("front", ["http", "http11-socket"])
def test_a_client_of_a_killed_worker_is_told_by_a_close(start: Starter, front: str) -> None:
    """Nobody waits for an answer that cannot come."""
    subject = start(SITE.replace("http-socket", front), until=LAST)
    with Client(subject.port, request("/hold/one")) as client:
        ((pid, _),) = subject.wait_inside("one")
        os.kill(pid, signal.SIGKILL)
        answer = client.rest()
        assert answer.raw == b"" or answer.status in (502, 504)
    subject.let_go("one")
    assert get(subject.port, "/hello", ("Connection", "close")).text == "hello"
