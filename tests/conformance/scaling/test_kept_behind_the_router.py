"""What a kept client gets when the router keeps its connection to the only worker, too."""

import contextlib
import os
import signal
import threading

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    get,
    request,
    stats,
)

APP = """
import os
BIG = b"0123456789" * 100_000
def application(environ, start_response):
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/plain"), ("X-Pid", str(os.getpid()))]
    if path == "/raise":
        raise RuntimeError("as wanted")
    if path == "/nothing":
        start_response("204 No Content", headers)
        return []
    if path == "/endless":
        start_response("200 OK", headers)
        return [b"hel", b"lo"]
    if path == "/short":
        start_response("200 OK", headers + [("Content-Length", "10")])
        return [b"hello"]
    if path == "/long":
        start_response("200 OK", headers + [("Content-Length", "5")])
        return [b"hello, and more"]
    if path == "/twice":
        start_response("200 OK", headers + [("Content-Length", "5")] * 2)
        return [b"hello"]
    if path == "/early":
        start_response("102 Processing", headers)
        return []
    body = BIG if path == "/big" else environ["QUERY_STRING"].encode() or b"hello"
    start_response("200 OK", headers + [("Content-Length", str(len(body)))])
    if environ["REQUEST_METHOD"] == "POST":
        body = environ["wsgi.input"].read()[:len(body)]
    return [body]
"""
SITE = "http = 127.0.0.1:PORT\nhttp-keepalive = 1\nmaster = true\nhttp-timeout = 20\nmodule = app\n"
FILES = {"app.py": APP}


KINDS = ["/nothing", "/big", "/raise", "/endless", "/short", "/long", "/twice", "/early"]


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(SITE, files=FILES, tracebacks=True)


def asked(client: Client, path: str = "/", method: str = "GET") -> str:
    client.send(request(path, method))
    return client.answer().text


@covers("SC-369")
def test_every_answer_belongs_to_its_request(site: Subject) -> None:
    """Four clients at once, each with answers of its own."""
    wrong = []

    def client(name: int) -> None:
        with Client(site.port, limit=30) as one:
            for turn in range(40):
                wanted = f"{name}-{turn}"
                got = asked(one, f"/?{wanted}")
                if got != wanted:
                    wrong.append((wanted, got))

    threads = [threading.Thread(target=client, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@covers("SC-369")
@pytest.mark.parametrize("path", KINDS)
def test_an_answer_of_any_kind_is_followed_by_right_ones(site: Subject, path: str) -> None:
    with Client(site.port, limit=30) as client:
        assert asked(client) == "hello"
        client.send(request(path))
        with contextlib.suppress(AssertionError):  # not each of them is an answer
            client.until(b"\r\n\r\n")
    for turn in range(3):
        with Client(site.port, limit=30) as client:
            for _ in range(2):
                assert asked(client, f"/?after{turn}") == f"after{turn}"


@covers("SC-369", kind="beyond")
@pytest.mark.parametrize("path", ["/endless", "/short", "/twice", "/early"])
def test_nobody_waits_for_what_will_not_come(site: Subject, path: str) -> None:
    """uWSGI's router does, until http-timeout is over."""
    with Client(site.port, request(path), limit=15) as client:
        assert client.rest().end == "closed"


@covers("SC-369")
def test_bodies_and_heads_between(site: Subject) -> None:
    with Client(site.port, limit=30) as client:
        for _ in range(3):
            assert asked(client) == "hello"
            client.send(request("/", "POST", [("Content-Length", "5")]) + b"world")
            assert client.answer().text == "world"


@covers("SC-369")
def test_a_worker_that_leaves_takes_no_request_with_it(start: Starter) -> None:
    """It leaves after every third."""
    subject = start(SITE + "max-requests = 3\nmin-worker-lifetime = 0\n", files=FILES)
    with Client(subject.port, limit=60) as client:
        assert [asked(client, f"/?{turn}") for turn in range(12)] == [str(n) for n in range(12)]


@covers("SC-369")
def test_a_worker_killed_between_requests_is_no_loss(start: Starter) -> None:
    subject = start(SITE + "stats = 127.0.0.1:PORT1\n", files=FILES)
    with Client(subject.port, limit=60) as client:
        client.send(request("/"))
        pid = int(client.answer().get("x-pid") or 0)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: stats(subject.ports["PORT1"])["workers"][0]["pid"] not in (0, pid))
        assert asked(client) == "hello"


@covers("SC-369")
def test_a_kept_client_holds_up_nobody(start: Starter) -> None:
    """Nor does one that has gone."""
    subject = start(SITE, files=FILES)
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(Client(subject.port, limit=30)) for _ in range(5)]
        for client in kept:
            assert asked(client) == "hello"
        assert get(subject.port, "/", ("Connection", "close")).text == "hello"
        kept[0].sock.close()
        for client in kept[1:]:
            assert asked(client) == "hello"
