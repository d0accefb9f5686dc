"""kill -9 of every kind of process, while a client is at every stage of its request.

What: one client of the victim stands at a stage, another one has nothing to do with the victim.
May be lost: the first one's answer, which then ends (it is not waited for in vain).
Is not lost: the other's, and whatever comes later.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conformance.harness import (
    Answer,
    Client,
    Starter,
    Subject,
    ask,
    eventually,
    exchange,
    get,
    listening,
    packet,
    request,
    request_vars,
)

SITE = """
http-socket = 127.0.0.1:PORT
http = 127.0.0.1:PORT1
fastrouter = 127.0.0.1:PORT2
fastrouter-to = DIR/site.sock
socket = DIR/site.sock
http-to = DIR/site.sock
master = true
processes = 2
threads = 1
offload-threads = 1
check-static = DIR/files
module = case_app
"""
LAST = r"^spawned uWSGI worker 2 \(pid"
BIG = 10_000_000
WHOLE = request("/hello")
HALF = WHOLE[: len(WHOLE) // 2]
STAGES = ("idle", "head", "app", "sending", "file")
PATHS = {"app": "/hold/one", "sending": f"/bytes/{BIG}", "file": "/big.bin"}


def whole(front: str, path: str) -> bytes:
    return packet(request_vars(path)) if front == "fastrouter" else request(path)


class Stage:
    """A client that has come to a stage: nothing sent, half a head, in the app, half an answer."""

    def __init__(self, client: Client, unsent: bytes) -> None:
        self._client = client
        self._unsent = unsent

    def end(self) -> Answer:
        """Finish the request and wait for the end; that it comes is what matters.

        The answer may be whole all the same: whoever was in the queue of the kernel, or whose
        descriptor the router had passed along, is not lost with the process.
        """
        self._client.send(self._unsent)
        return self._client.rest()


@contextmanager
def at(subject: Subject, front: str, stage: str) -> Iterator[Stage]:
    """Bring a client to a stage."""
    port = subject.ports[{"http-socket": "PORT", "http": "PORT1", "fastrouter": "PORT2"}[front]]
    data = whole(front, PATHS.get(stage, "/"))
    size = {"idle": 0, "head": len(data) // 2}.get(stage, len(data))
    with Client(port, data[:size], receive_buffer=4096) as client:
        if stage == "app":
            subject.wait_inside("one")
        elif stage in ("sending", "file"):
            client.until(b"\r\n\r\n")
        yield Stage(client, data[size:])


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(SITE, files={"files/big.bin": bytes(BIG)}, until=LAST)


def process(subject: Subject, kind: str) -> int:
    """The pid of the latest process of a kind."""
    told = rf"(?i)spawned uWSGI {kind} \((?:new )?pid: (\d+)"
    subject.wait_for(told)
    found = re.findall(told, subject.log)
    return int(found[-1])


def killed(subject: Subject, kind: str) -> None:
    """Kill a process and wait until it has a successor."""
    victim = process(subject, kind)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: process(subject, kind) != victim, f"a new {kind}")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("front", ["http", "fastrouter"])
def test_a_router(site: Subject, front: str, stage: str) -> None:
    """The worker's other clients notice nothing; new ones are served by the successor."""
    with Client(site.port, request("/hold/other")) as other:
        site.wait_inside("other")
        with at(site, front, stage) as client:
            killed(site, f"{front} 1")
            site.let_go("one")
            client.end()
        port = site.ports["PORT1" if front == "http" else "PORT2"]
        served = exchange(port, whole(front, "/hello"))
        assert served.text == "hello"
        site.let_go("other")
        assert other.rest().text == "held other"
    clean(site)


def clean(site: Subject) -> None:
    """Take the marks of /hold away for the next case."""
    for pattern in ("*.in", "*.go"):
        for path in site.directory.glob(pattern):
            path.unlink(missing_ok=True)


@pytest.mark.parametrize("stage", STAGES)
def test_both_workers(site: Subject, stage: str) -> None:
    """A request that a router still holds is not lost: it goes to a successor."""
    with at(site, "http-socket", stage) as client, Client(site.ports["PORT1"], HALF) as patient:
        killed(site, "worker 1")
        killed(site, "worker 2")
        site.let_go("one")
        client.end()
        patient.send(WHOLE[len(HALF) :])
        assert patient.answer().text == "hello"
    clean(site)


@pytest.mark.parametrize("stage", ["head", "app", "file"])
def test_the_master(start: Starter, stage: str) -> None:
    """All goes: nobody hangs, nothing stays behind, and the next server can have the address."""
    subject = start(SITE, files={"files/big.bin": bytes(BIG)}, until=LAST)
    with at(subject, "http-socket", stage) as client:
        os.kill(subject.pid, signal.SIGKILL)
        subject.process.wait()
        subject.let_go("one")
        client.end()
    eventually(lambda: not subject.family(), "all processes gone")
    # Who ends has no memory by which to know him a moment before he has no sockets.
    eventually(lambda: not any(map(listening, subject.ports.values())), "nobody listens")
    ini = (subject.directory / "uwsgi.ini").read_text()
    again = start.launch(ini, directory=subject.directory)
    again.wait_listening(*subject.ports.values())
    assert get(subject.port, "/hello").text == "hello"


EMPIRE = """
emperor = DIR/vassals
emperor-on-demand-extension = .socket
emperor-stats = DIR/stats.sock
"""
VASSAL = "[uwsgi]\nmodule = case_app\nchdir = %d..\nmaster = true\nprocesses = 1\n"


def test_a_vassal_with_a_request_inside(start: Starter) -> None:
    """Its socket stays with the emperor: who comes meanwhile is served by its successor."""
    subject = start.directory({"vassals/one.ini": VASSAL})
    address = str(subject / "one.sock")
    (subject / "vassals" / "one.ini.socket").write_text(address)
    empire = start.launch(EMPIRE, directory=subject)
    eventually(lambda: listening(address), "the socket of the vassal")
    assert ask(address, "/hello").text == "hello"
    with Client(address, packet(request_vars("/hold/one"))) as client:
        ((worker, _),) = empire.wait_inside("one")
        master = int(re.findall(r"spawned uWSGI master process \(pid: (\d+)\)", empire.log)[-1])
        os.kill(master, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        assert client.rest().raw == b""
    empire.let_go("one")
    assert [ask(address, "/hello").text for _ in range(5)] == ["hello"] * 5


@pytest.mark.parametrize("inside", [False, True])
def test_the_emperor(start: Starter, inside: bool) -> None:
    """Its vassals follow; a request that is inside is lost with its vassal or answered, told."""
    place = start.directory({"vassals/one.ini": VASSAL})
    address = str(place / "one.sock")
    (place / "vassals" / "one.ini.socket").write_text(address)
    empire = start.launch(EMPIRE, directory=place)
    eventually(lambda: listening(address), "the socket of the vassal")
    path = "/hold/one" if inside else "/hello"
    with Client(address, packet(request_vars(path))) as client:
        if inside:
            empire.wait_inside("one")
        else:
            assert client.rest().text == "hello"
        os.kill(empire.pid, signal.SIGKILL)
        empire.process.wait()
        empire.let_go("one")
        client.rest()
    eventually(lambda: not empire.family(), "all processes gone")
    again = start.launch(EMPIRE, directory=place)
    eventually(lambda: listening(address), "the socket of the vassal")
    assert ask(address, "/hello").text == "hello"
    assert again.process.poll() is None
