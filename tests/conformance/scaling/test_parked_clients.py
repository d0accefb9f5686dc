"""http11-socket: kept connections that wait hold no core."""

import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    descriptors,
    request,
)

SITE = """
http11-socket = ADDRESS
master = true
threads = THREADS
socket-timeout = 90
module = app
"""
APP = """
def application(environ, start_response):
    body = environ["PATH_INFO"].encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
BOTH = pytest.mark.parametrize("address", ["127.0.0.1:PORT", "DIR/site.sock"])


def serving(start: Starter, address: str, threads: int = 1, more: str = "") -> Subject:
    site = SITE.replace("ADDRESS", address).replace("THREADS", str(threads)) + more
    subject = start(site, files={"app.py": APP}, until=WORKER)
    if not subject.ports:
        subject.wait_listening(subject.path("site.sock"))
    return subject


def place(subject: Subject) -> str | int:
    return subject.port if subject.ports else subject.path("site.sock")


def ask(client: Client, path: str) -> str:
    client.send(request(path))
    return client.answer().text


def several(subject: Subject, count: int, stack: ExitStack) -> Iterator[Client]:
    for _ in range(count):
        yield stack.enter_context(Client(place(subject), b""))


@covers("SC-346", kind="beyond")
@BOTH
@pytest.mark.parametrize("threads", [1, 3])
def test_many_kept_clients_take_turns_on_few_cores(
    start: Starter, address: str, threads: int
) -> None:
    subject = serving(start, address, threads)
    with ExitStack() as stack:
        clients = list(several(subject, 12, stack))
        for turn in range(5):
            for number, client in enumerate(clients):
                assert ask(client, f"/{number}/{turn}") == f"/{number}/{turn}"


@covers("SC-346", kind="beyond")
def test_a_client_that_never_rests_lets_others_through(start: Starter) -> None:
    subject = serving(start, "127.0.0.1:PORT")
    with Client(subject.port, b"") as restless, Client(subject.port, b"") as other:
        assert ask(restless, "/first") == "/first"
        other.send(request("/other"))
        for number in range(600):
            assert ask(restless, f"/{number}") == f"/{number}"
        assert other.answer().text == "/other"


@covers("SC-346", kind="beyond")
def test_silent_ones_are_closed_after_socket_timeout(start: Starter) -> None:
    subject = serving(start, "127.0.0.1:PORT", more="socket-timeout = 1\n")
    with Client(subject.port, b"") as silent:
        assert ask(silent, "/a") == "/a"
        began = time.monotonic()
        assert silent.rest().raw == b""
        assert time.monotonic() - began > 0.5


@covers("SC-346", kind="beyond")
def test_a_worker_that_leaves_lets_them_go(start: Starter) -> None:
    """At once, without waiting for any of them, and the next generation serves."""
    subject = serving(start, "127.0.0.1:PORT", threads=2)
    with ExitStack() as stack:
        clients = list(several(subject, 5, stack))
        for client in clients:
            assert ask(client, "/a") == "/a"
        subject.signal(signal.SIGHUP)
        subject.wait_for(r"^gracefully \(RE\)spawned uWSGI master")
        for client in clients:
            assert client.rest().raw == b""
    with Client(subject.port, b"") as client:
        assert ask(client, "/again") == "/again"


@covers("SC-346", kind="beyond")
def test_one_that_goes_and_one_that_is_cut_harm_nobody(start: Starter) -> None:
    subject = serving(start, "127.0.0.1:PORT")
    with Client(subject.port, b"") as stays:
        assert ask(stays, "/a") == "/a"
        with Client(subject.port, b"") as goes:
            assert ask(goes, "/b") == "/b"
        with socket.create_connection(("127.0.0.1", subject.port), 25) as cut:
            cut.sendall(request("/c"))
            assert cut.recv(1000).endswith(b"/c")
            cut.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        assert ask(stays, "/d") == "/d"


@covers("SC-346", kind="beyond")
def test_pipelined_requests_are_answered_in_order(start: Starter) -> None:
    """Also when the last of them is cut, and its rest comes after the client was parked."""
    subject = serving(start, "127.0.0.1:PORT")
    with Client(subject.port, b"") as other, Client(subject.port, b"") as client:
        assert ask(other, "/other") == "/other"
        for turn in range(3):
            last = request(f"/{turn}/last")
            client.send(b"".join(request(f"/{turn}/{n}") for n in range(20)) + last[:9])
            for number in range(20):
                assert client.answer().text == f"/{turn}/{number}"
            client.send(last[9:])
            assert client.answer().text == f"/{turn}/last"


@covers("SC-346", kind="beyond")
def test_out_of_descriptors_the_most_silent_make_room(start: Starter) -> None:
    """Nobody who asks is refused, however many others keep their connections."""
    subject = serving(start, "127.0.0.1:PORT")
    worker = subject.worker()
    limit = descriptors(worker) + 10
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (limit, limit))
    with ExitStack() as stack:
        clients = list(several(subject, 30, stack))
        for client in clients:
            assert ask(client, "/a") == "/a"
        assert ask(clients[-1], "/b") == "/b"
        assert clients[0].rest().raw == b""
    assert "accept(): " not in subject.log
