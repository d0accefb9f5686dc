"""The transfer of static files: the worker is free while it runs."""

import hashlib
import random
import re
import signal
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    alive,
    ask,
    covers,
    descriptors,
    eventually,
    get,
    request,
    stats,
)

SIZE = 16 * 1024 * 1024
BIG = random.Random(7).randbytes(65536) * (SIZE // 65536)
SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
check-static = DIR/static
module = case_app
"""
FILES: dict[str, str | bytes] = {"static/big.bin": BIG, "static/small.txt": "small"}
OFFLOADING = SITE + "offload-threads = 1\n"


def stalled(subject: Subject) -> Client:
    """A client that has asked for the big file and reads only the beginning."""
    client = Client(subject.port, request("/big.bin"), receive_buffer=4096)
    client.more(100)
    return client


def idle(subject: Subject) -> dict[str, Any] | None:
    """What the stats say of the only worker, once it has no request."""
    worker: dict[str, Any]
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    return worker if worker["status"] == "idle" else None


@covers("OF-20", "OF-22", "OF-23")
def test_the_worker_is_free_while_clients_stall(start: Starter) -> None:
    """One core, many stalled downloads: the app answers, the stats show an idle worker."""
    subject = start(OFFLOADING, files=FILES, until=WORKER)
    clients = [stalled(subject) for _ in range(20)]
    try:
        assert get(subject.port, "/hello").text == "hello"
        worker = eventually(lambda: idle(subject), "the worker is idle")
        core = worker["cores"][0]
        assert (core["in_request"], core["vars"]) == (0, [])
        assert core["static_requests"] == 20
        assert core["offloaded_requests"] == 20
        assert worker["tx"] >= 20 * SIZE
    finally:
        for client in clients:
            client.sock.close()


@covers("OF-21", "OF-9")
def test_without_threads_the_second_request_waits(start: Starter) -> None:
    """It is answered once the stalled client is given up, after socket-timeout."""
    subject = start(SITE + "socket-timeout = 1\n", files=FILES, until=WORKER)
    with stalled(subject):
        (worker,) = stats(subject.ports["PORT1"])["workers"]
        assert worker["status"] == "busy"
        assert worker["cores"][0]["in_request"] == 1
        assert get(subject.port, "/hello").text == "hello"


@covers("OF-24", "OF-25")
def test_bytes_arrive_whole_after_a_stall(start: Starter) -> None:
    """A stall longer than socket-timeout does not cut the transfer."""
    subject = start(
        OFFLOADING + "socket-timeout = 1\n", files={**FILES, "slow.txt": ""}, until=WORKER
    )
    with stalled(subject) as client:
        with Client(subject.port, b"GET /") as silent:  # ends after socket-timeout
            assert silent.rest().status in (0, 408)
        answer = client.rest()
    assert answer.body == BIG


@covers("OF-24")
def test_many_readers_get_the_same_bytes(start: Starter) -> None:
    subject = start(SITE + "offload-threads = 2\n", files=FILES, until=WORKER)
    clients = [Client(subject.port, request("/big.bin")) for _ in range(6)]
    digest = hashlib.sha1(BIG).hexdigest()
    try:
        found = {hashlib.sha1(client.rest().body).hexdigest() for client in clients}
    finally:
        for client in clients:
            client.sock.close()
    assert found == {digest}


@covers("OF-26")
def test_harakiri_does_not_count_transfers(start: Starter) -> None:
    subject = start(OFFLOADING + "harakiri = 2\nmaster = true\n", files=FILES, until=WORKER)
    pid = subject.worker()
    with stalled(subject) as client, Client(subject.port, request("/hold/long")) as held:
        held.rest()  # harakiri kills the worker for this one, which shows that it has run
        client.rest()
    subject.wait_for("^Respawned uWSGI worker 1")
    subject.wait_for(rf"HARAKIRI \[core 0\] .*/hold/long|HARAKIRI ON WORKER 1 \(pid: {pid}")
    assert "HARAKIRI [core 0] 127.0.0.1 - GET /big.bin" not in subject.log


@covers("OF-27")
def test_a_client_that_goes_gives_back_its_descriptors(start: Starter) -> None:
    subject = start(OFFLOADING, files=FILES, until=WORKER)
    assert get(subject.port, "/hello").status == 200
    before = descriptors(subject.worker())
    clients = [stalled(subject) for _ in range(5)]
    eventually(lambda: descriptors(subject.worker()) >= before + 10, "two for each transfer")
    for client in clients:
        client.sock.close()
    eventually(lambda: descriptors(subject.worker()) <= before, "all given back")


@covers("OF-28")
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGQUIT])
def test_the_end_of_the_server_ends_transfers(start: Starter, sig: int) -> None:
    subject = start(OFFLOADING, files=FILES, until=WORKER)
    with stalled(subject) as client:
        subject.signal(sig)
        assert subject.ended() == 0
        assert len(client.rest().raw) < SIZE
    assert not alive(subject.pid)


@covers("OF-28")
def test_a_graceful_reload_lets_transfers_finish(start: Starter) -> None:
    subject = start(OFFLOADING, files=FILES, until=WORKER)
    with stalled(subject) as client:
        subject.signal(signal.SIGHUP)
        subject.wait_for("gracefully killing workers")
        assert client.rest().body == BIG
    subject.wait_for(r"\(RE\)spawned|Respawned")
    assert get(subject.port, "/hello").text == "hello"


@covers("OF-30")
def test_the_documents_example(start: Starter) -> None:
    """A uwsgi socket, check-static, four threads, no app: files are served, all else is a 500."""
    subject = start(
        """
        [uwsgi]
        socket = :PORT
        check-static = DIR/static
        offload-threads = 4
        """,
        files=FILES,
        until=r"spawned 4 offload threads for uWSGI worker 1",
    )
    answer = ask(subject.port, "/small.txt")
    assert (answer.status_line, answer.body) == ("HTTP/1.1 200 OK", b"small")
    missing = ask(subject.port, "/none.txt")
    assert (missing.status, missing.body) == (500, b"Internal Server Error")
    subject.wait_for("no python application found, check your startup logs for errors")


WRAPPER = """
import io, os, uwsgi
PATH = os.path.join(os.environ["CASE_DIR"], "static", "big.bin")
class Reads:
    def __init__(self): self.file = io.BytesIO(b"0123456789"); self.closed = 0
    def read(self, size): return self.file.read(size)
    def close(self): print("closed once", flush=True)
def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/wrapper":
        return environ["wsgi.file_wrapper"](open(PATH, "rb"), 4096)
    if path == "/reads":
        return environ["wsgi.file_wrapper"](Reads(), 4)
    if path == "/sendfile":
        uwsgi.sendfile(PATH)
        return []
    return [b"hello"]
"""


@covers("OF-31", "OF-165")
@pytest.mark.parametrize("path", ["/wrapper", "/sendfile"])
def test_files_of_the_app_are_offloaded(start: Starter, path: str) -> None:
    subject = start(
        OFFLOADING.replace("case_app", "app"), files={**FILES, "app.py": WRAPPER}, until=WORKER
    )
    with Client(subject.port, request(path), receive_buffer=4096) as client:
        client.more(10)
        assert get(subject.port, "/hello").text == "hello"
        answer = client.rest()
    assert BIG.endswith(answer.raw[-1000:])
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    assert worker["cores"][0]["offloaded_requests"] == 1


@covers("OF-32")
def test_what_only_reads_is_sent_by_the_worker(start: Starter) -> None:
    subject = start(
        OFFLOADING.replace("case_app", "app"), files={**FILES, "app.py": WRAPPER}, until=WORKER
    )
    assert get(subject.port, "/reads").body == b"0123456789"
    subject.wait_for("^closed once")
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    assert worker["cores"][0]["offloaded_requests"] == 0
    assert len(re.findall("^closed once", subject.log, re.M)) == 1


@covers("OF-33")
@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_the_answer_of_the_app_may_be_offloaded_whole(start: Starter, size: int) -> None:
    subject = start(OFFLOADING + "route-run = offload:\n", files=FILES, until=WORKER)
    with Client(subject.port, request(f"/bytes/{size}")) as client:
        answer = client.rest()
    assert answer.body == b"x" * size
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    assert worker["cores"][0]["offloaded_requests"] == 1
