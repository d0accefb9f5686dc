"""Too few descriptors, too short a queue: it becomes slow, and it comes back."""

import os
import signal
import socket
from contextlib import ExitStack

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    ask,
    descriptors,
    eventually,
    get,
    packet,
    request,
    request_vars,
)
from tests.integration.around import limit_descriptors

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 1
threads = 2
offload-threads = 1
module = case_app
"""
WORKER = r"^spawned 1 offload threads for uWSGI worker 1"
PLENTY = 1024


def test_a_worker_without_descriptors_serves_when_there_are_some_again(start: Starter) -> None:
    subject = start(SITE, until=WORKER)
    assert get(subject.port, "/hello").text == "hello"
    worker = subject.worker()
    limit_descriptors(worker, 3)
    with Client(subject.port, request("/hello")) as client:
        subject.wait_for(r"Too many open files")
        limit_descriptors(worker, PLENTY)
        assert client.rest().text == "hello"
    assert subject.worker() == worker
    assert get(subject.port, "/hello").text == "hello"


@pytest.mark.parametrize("front", ["http", "fastrouter"])
def test_a_router_without_descriptors_comes_back(start: Starter, front: str) -> None:
    """Clients that only hold a connection use up what it has; when they go, others are served."""
    lines = {
        "http": "http = 127.0.0.1:PORT1",
        "fastrouter": "fastrouter = 127.0.0.1:PORT1\nfastrouter-to = 127.0.0.1:PORT2\n"
        "socket = 127.0.0.1:PORT2",
    }
    ini = SITE if front == "fastrouter" else SITE.replace("http-socket = 127.0.0.1:PORT\n", "")
    subject = start(ini + lines[front] + "\n", until=WORKER)
    router = int(subject.wait_for(rf"spawned uWSGI {front} 1 \(pid: (\d+)\)")[1])
    port = subject.ports["PORT1"]
    assert served(front, port)
    limit_descriptors(router, descriptors(router) + 5)
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(Client(port, b"G"))
        eventually(lambda: full(router), "the router has all that it may have")
    assert served(front, port)
    assert alive_as(subject, front, router)


def served(front: str, port: int) -> bool:
    """Whether a request is answered."""
    answer = get(port, "/hello") if front == "http" else ask(port, "/hello")
    return answer.text == "hello"


def full(pid: int) -> bool:
    """Whether a process has as many descriptors as it may have, or nearly."""
    soft = int(next(line for line in limits(pid) if line.startswith("Max open files")).split()[3])
    return descriptors(pid) >= soft - 1


def limits(pid: int) -> list[str]:
    """The lines of /proc/PID/limits."""
    with open(f"/proc/{pid}/limits") as file:
        return file.read().splitlines()


def alive_as(subject: Subject, front: str, pid: int) -> bool:
    """Whether the router is the one that it was."""
    return f"respawned uWSGI {front}" not in subject.log and os.path.exists(f"/proc/{pid}")


def test_a_full_queue_is_served_to_the_last(start: Starter) -> None:
    """While the worker sleeps the queue fills up to its length, and not one of it is lost."""
    subject = start(SITE + "socket = DIR/site.sock\nlisten = 8\n", until=WORKER)
    path = subject.path("site.sock")
    worker = subject.worker()
    os.kill(worker, signal.SIGSTOP)
    with ExitStack() as stack:
        stack.callback(os.kill, worker, signal.SIGCONT)
        waiting: list[socket.socket] = []
        while len(waiting) < 100:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.setblocking(False)
            try:
                sock.connect(path)
            except BlockingIOError:
                break
            waiting.append(sock)
            sock.setblocking(True)
            sock.settimeout(25)
            sock.sendall(packet(request_vars("/hello")))
        assert 8 <= len(waiting) <= 16
        os.kill(worker, signal.SIGCONT)
        for sock in waiting:
            with sock.makefile("rb") as answer:
                assert answer.read().endswith(b"\r\n\r\nhello")
    assert ask(path, "/hello").text == "hello"
