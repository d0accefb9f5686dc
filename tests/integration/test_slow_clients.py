"""Slow clients: what they hold up, what they do not, and that they are not waited for for ever."""

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.conformance.harness import Client, Starter, Subject, ask, eventually, get, request, stats
from tests.integration.around import many_descriptors

SITE = """
FRONT = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
master = true
processes = 1
threads = 2
module = case_app
"""
BIG = 20_000_000
HALF_HEAD = request("/hello")[:-2]
HALF_BODY = request("/echo", "POST", [("Content-Length", "100")]) + b"x" * 50
READERS = 500
FILE = random.Random(11).randbytes(1 << 20) * 4


def busy(subject: Subject) -> int:
    """How many cores are inside a request."""
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    return sum(core["in_request"] for core in worker["cores"])


@pytest.fixture(scope="module", params=["http-socket", "http11-socket", "http"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    ini = SITE.replace("FRONT", request.param) + "socket-timeout = 60\nhttp-timeout = 60\n"
    return start_module(ini, until=r"^spawned uWSGI worker 1 \(")


CLOSE = ("Connection", "close")


@pytest.mark.parametrize("sent", [b"", b"GET", HALF_HEAD, HALF_BODY])
def test_the_other_core_serves(site: Subject, sent: bytes) -> None:
    """One client is in the middle of its request; others are served, then so is it."""
    with Client(site.port, sent) as slow:
        for _ in range(5):
            assert get(site.port, "/hello", CLOSE).text == "hello"
        whole = HALF_BODY + b"y" * 50 if sent == HALF_BODY else request("/hello")
        slow.send(whole[len(sent) :])
        answer = slow.answer()
    assert answer.text == ("x" * 50 + "y" * 50 if sent == HALF_BODY else "hello")


def test_a_client_that_does_not_read_its_answer(site: Subject) -> None:
    data = request(f"/bytes/{BIG}", headers=[CLOSE])
    with Client(site.port, data, receive_buffer=4096) as slow:
        slow.until(b"\r\n\r\n")
        for _ in range(5):
            assert get(site.port, "/hello", CLOSE).text == "hello"
        answer = slow.rest()
        assert (len(answer.raw), answer.end) == (BIG, "closed")


def test_a_body_in_small_pieces_arrives_whole(site: Subject) -> None:
    body = bytes(random.Random(4).randbytes(64))
    with Client(site.port, request("/echo", "POST", [("Content-Length", "64"), CLOSE])) as slow:
        for at in range(64):
            slow.send(body[at : at + 1])
            time.sleep(0.002)  # so that they are pieces on the other side, too
        assert slow.rest().body == body


DRIPS: dict[str, Callable[[int], bytes]] = {
    "silence": lambda n: b"",
    "head": lambda n: b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "[n : n + 1] or b"a",
}


@pytest.mark.parametrize("front", ["http-socket", "http11-socket", "http"])
@pytest.mark.parametrize("drip", DRIPS)
def test_nobody_is_waited_for_for_ever(start: Starter, front: str, drip: str) -> None:
    """A byte now and then does not renew the time that a head may take."""
    timeouts = "socket-timeout = 1\nhttp-timeout = 1\nhttp-headers-timeout = 1\n"
    subject = start(SITE.replace("FRONT", front) + timeouts, until=r"^spawned uWSGI worker 1 \(")
    with Client(subject.port, limit=0.2) as slow:
        ended = False
        for n in range(125):  # more than 25 seconds
            slow.send(DRIPS[drip](n))
            try:
                ended = slow.sock.recv(1000) == b"" or ended
            except TimeoutError:
                continue
            except ConnectionResetError:
                ended = True
            if ended:
                break
        assert ended, "the connection is still open"
    assert get(subject.port, "/hello", CLOSE).text == "hello"
    if front != "http":
        eventually(lambda: busy(subject) == 0, "no core is busy")


LATE_APP = """
import os, time
while not os.path.exists(os.environ["CASE_DIR"] + "/load.go"):
    time.sleep(0.01)
from case_app import application
"""


@pytest.mark.parametrize("front", ["http-socket", "http11-socket", "socket"])
def test_nor_is_who_came_before_the_workers(start: Starter, front: str) -> None:
    """Silent clients, as many as there are cores, that connect while the application loads."""
    ini = SITE.replace("FRONT", front).replace("module = case_app", "module = late_app")
    subject = start(f"{ini}socket-timeout = 1\n", files={"late_app.py": LATE_APP})
    with Client(subject.port) as one, Client(subject.port) as two:
        subject.let_go("load")
        subject.worker()
        for client in (one, two):
            client.rest()  # closed, or `Late` after long enough
    answer = ask(subject.port) if front == "socket" else get(subject.port, "/hello", CLOSE)
    assert answer.text == "hello"


def test_five_hundred_readers_that_do_not_read(start: Starter) -> None:
    """One worker of one core, one offload thread: the files wait for their readers there."""
    ini = SITE.replace("threads = 2", "threads = 1").replace("FRONT", "http-socket")
    with many_descriptors(4 * READERS + 200), ExitStack() as stack:
        subject = start(
            f"{ini}offload-threads = 1\ncheck-static = DIR/files\n",
            files={"files/big.bin": FILE},
            until=r"^spawned 1 offload threads for uWSGI worker 1",
        )
        readers = []
        for _ in range(READERS):
            client = Client(subject.port, request("/big.bin"), receive_buffer=4096)
            readers.append(stack.enter_context(client))
        for reader in readers:
            assert reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
        for _ in range(10):
            assert get(subject.port, "/hello").text == "hello"
        digest = hashlib.sha256(FILE).digest()
        for reader in (readers[0], readers[-1], readers[250]):
            assert hashlib.sha256(reader.rest().raw).digest() == digest
        assert get(subject.port, "/hello").text == "hello"
