"""No disk, no descriptor, no process, no time: what is short harms what needs it, and passes."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Backend,
    Client,
    Starter,
    Subject,
    alive,
    ask,
    descriptors,
    eventually,
    exchange,
    get,
    listening,
    packet,
    request,
    request_vars,
)
from tests.faults import harm
from tests.faults.test_kills import EMPIRE, VASSAL, process
from tests.integration.around import limit_descriptors
from tests.integration.load import Load, http

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 2
module = case_app
"""
LAST = r"^spawned uWSGI worker 2 \("
REFUSED = r"^unable to start (.*): Resource temporarily unavailable, trying again in 1 s$"
UPLOAD = packet(request_vars("/", "POST", CONTENT_LENGTH=str(3 * harm.MEGABYTE)))


def test_a_full_disk_costs_the_upload_that_does_not_fit(start: Starter) -> None:
    """Lost: that upload, with 503.  A small body passes, and a big one when there is room."""
    place = start.directory()
    with Backend(protocol="uwsgi") as node, harm.tiny_disk(place / "tmp") as disk:
        subject = start.launch(
            f"fastrouter = 127.0.0.1:PORT\nmaster = true\nfastrouter-to = {node.address}\n"
            "fastrouter-post-buffering = 1000\nfastrouter-errors = true\n",
            env={"TMPDIR": str(disk)},
            directory=place,
        )
        subject.wait_listening(subject.port)
        assert exchange(subject.port, UPLOAD + bytes(3 * harm.MEGABYTE)).status == 503
        small = packet(request_vars("/", "POST", CONTENT_LENGTH="500000"))
        assert exchange(subject.port, small + bytes(500_000)).text == "backend"
        assert len(node.seen) == 1
        assert os.listdir(disk) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_full_disk_costs_the_body_that_a_worker_or_router_keeps(
    start: Starter, chunked: bool
) -> None:
    """Lost: that request, with an error; a body that fits in memory passes."""
    place = start.directory()
    size = 3 * harm.MEGABYTE
    with harm.tiny_disk(place / "tmp") as disk:
        lines = SITE + "http = 127.0.0.1:PORT1\npost-buffering = 1000\n"
        env = {"TMPDIR": str(disk)}
        subject = start.launch(lines, env=env, directory=place, tracebacks=True)
        subject.wait_listening(*subject.ports.values())
        port = subject.ports["PORT1" if chunked else "PORT"]
        kind = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
        head = request("/echo", "POST", [kind, ("Connection", "close")])
        with Client(port, head) as client:
            body = bytes(size)
            client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if chunked else body)
            answer = client.rest()
        assert answer.status >= 500 or answer.raw == b""
        assert get(subject.port, "/hello").text == "hello"
        assert os.listdir(disk) == []


def test_a_full_disk_costs_lines_of_the_log_and_no_request(start: Starter) -> None:
    place = start.directory()
    with harm.tiny_disk(place / "log") as disk:
        subject = start.launch(SITE + "logto = DIR/log/site.log\n", directory=place)
        subject.wait_listening(subject.port)
        filler = harm.fill(disk)
        with Load([http(subject.port)] * 2) as load:
            load.wait_more(30)
            filler.unlink()
            load.wait_more(10)
        assert load.failures == []
        assert get(subject.port, "/hello").text == "hello"
        eventually(lambda: b"/hello" in (disk / "site.log").read_bytes(), "the log goes on")


def test_a_cache_that_the_disk_cannot_hold_ends_the_start(start: Starter) -> None:
    """At once, with one line, and not with a signal when a worker writes there."""
    place = start.directory()
    with harm.tiny_disk(place / "store") as disk:
        line = f"cache2 = name=c,items=100,blocksize=65536,store={disk}/c\n"
        subject = start.launch(SITE + line, directory=place)
        assert subject.ended() == 1
        assert "No space left on device" in subject.log


def poor(start: Starter, ini: str) -> tuple[Subject, Path]:
    """A server that cannot fork, and the file whose end ends that."""
    files: dict[str, str | bytes] = {"poor.py": harm.NO_FORK}
    subject = start(ini.replace("case_app", "poor"), files=files, until=LAST)
    switch = subject.directory / "no.fork"
    switch.touch()
    return subject, switch


def test_a_worker_that_cannot_be_forked_comes_later(start: Starter) -> None:
    """Lost: nothing but what the killed one had; the other serves, then both do."""
    subject, switch = poor(start, SITE)
    before = descriptors(subject.pid)
    os.kill(process(subject, "worker 2"), signal.SIGKILL)
    subject.wait_for(REFUSED)
    assert get(subject.port, "/hello").text == "hello"
    assert descriptors(subject.pid) <= before
    switch.unlink()
    subject.wait_for(r"^Respawned uWSGI worker 2 ")


def test_a_router_that_cannot_be_forked_comes_later(start: Starter) -> None:
    """Lost: nothing; whoever connects meanwhile is served when it is there."""
    subject, switch = poor(start, SITE.replace("http-socket", "http"))
    os.kill(process(subject, "http 1"), signal.SIGKILL)
    subject.wait_for(REFUSED)
    with Client(subject.port, request("/hello", headers=[("Connection", "close")])) as client:
        switch.unlink()
        assert client.rest().text == "hello"


def test_an_emperor_without_descriptors_starts_vassals_when_there_are_some(
    start: Starter,
) -> None:
    """Lost: nothing; who woke the vassal waits in the queue of its socket."""
    place = start.directory({"vassals/one.ini": VASSAL})
    address = str(place / "one.sock")
    (place / "vassals" / "one.ini.socket").write_text(address)
    empire = start.launch(EMPIRE, directory=place)
    eventually(lambda: listening(address), "the socket of the vassal")
    limit_descriptors(empire.pid, descriptors(empire.pid))
    with Client(address, packet(request_vars("/hello"))) as client:
        empire.wait_for(r"Too many open files")
        limit_descriptors(empire.pid, 1024)
        assert client.rest().text == "hello"
    assert alive(empire.pid)


HUNG = """
import ctypes, os, signal
def application(environ, start_response):
    if environ["PATH_INFO"] == "/hang":
        ctypes.PyDLL(None).sleep(100)  # with the lock of the interpreter
    if environ["PATH_INFO"] == "/deaf":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            ctypes.CDLL(None).signal(number, ctypes.c_void_p(1))
        open(os.environ["CASE_DIR"] + "/deaf", "w").close()
        ctypes.CDLL(None).sleep(100)
    start_response("200 OK", [])
    return [b"hello"]
"""


def hung(start: Starter, more: str) -> Subject:
    files: dict[str, str | bytes] = {"hung.py": HUNG}
    ini = SITE.replace("case_app", "hung").replace("processes = 2", "processes = 1") + more
    return start(ini, files=files, until=r"^spawned uWSGI worker 1 \(")


@pytest.mark.parametrize("path", ["/hang", "/deaf"])
def test_an_app_that_hangs_is_ended_by_its_deadline(start: Starter, path: str) -> None:
    """Lost: its request.  No Python runs in that worker any more, so the master has to act."""
    subject = hung(start, "harakiri = 1\n")
    assert get(subject.port, path).raw == b""
    assert get(subject.port, "/hello").text == "hello"
    assert len(re.findall(r"HARAKIRI triggered", subject.log)) == 1


def test_a_hung_app_does_not_hold_up_a_reload_for_ever(start: Starter) -> None:
    """Lost: its request, after the mercy that the operator allows."""
    subject = hung(start, "worker-reload-mercy = 1\n")
    with Client(subject.port, request("/deaf")) as client:
        eventually((subject.directory / "deaf").exists, "the app hangs")
        subject.signal(signal.SIGHUP)
        assert client.rest().raw == b""
    assert get(subject.port, "/hello").text == "hello"


def test_a_hundred_reloads_at_once_are_a_few(start: Starter) -> None:
    """Lost: nothing."""
    subject = start(SITE, until=LAST)
    with Load([http(subject.port)] * 2) as load:
        for _ in range(100):
            subject.signal(signal.SIGHUP)
        load.wait_more(20)
        eventually(lambda: len(subject.family()) == 3, "the storm is over")
        load.wait_more(10)
    assert load.failures == []
    assert alive(subject.pid)
    assert not re.search("Traceback", subject.log)


def test_a_router_that_is_in_want_of_nodes_tells_the_client(start: Starter) -> None:
    """Lost: what has no node, with an answer that says so."""
    subject = start("fastrouter = 127.0.0.1:PORT\nfastrouter-to = 127.0.0.1:1\nmaster = true\n")
    assert ask(subject.port, "/hello").raw == b""
    assert alive(subject.pid)
