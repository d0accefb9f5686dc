"""Odd bytes: a thousand mangled requests to one server, which does not mind."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.harness import (
    Answer,
    Client,
    Starter,
    Subject,
    ask,
    descriptors,
    eventually,
    get,
    stats,
)
from tests.integration.mutations import HTTP, UWSGI, mutated

SITE = """
http-socket = 127.0.0.1:PORT
http11-socket = 127.0.0.1:PORT1
socket = 127.0.0.1:PORT2
http = 127.0.0.1:PORT4
stats = 127.0.0.1:PORT3
master = true
processes = 1
threads = 4
offload-threads = 1
check-static = DIR/files
module = app
"""
APP = """
def application(environ, start_response):
    try:
        size = len(environ["wsgi.input"].read())
    except OSError:
        size = -1
    for value in environ.values():
        if isinstance(value, str):
            value.encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"size %d" % size]
"""
COUNT = 300
FRONTS = {"http-socket": "PORT", "http11-socket": "PORT1", "uwsgi": "PORT2", "http": "PORT4"}


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    files: dict[str, str | bytes] = {"app.py": APP, "files/a.txt": "a file"}
    return start_module(SITE, files=files, until=r"spawned 1 offload threads for uWSGI worker 1")


def send(port: int, pieces: list[bytes]) -> Answer:
    """Send the pieces, say that this is all, read to the end."""
    with Client(port) as client:
        for piece in pieces:
            client.send(piece)
        try:
            client.half_close()
        except OSError:
            pass  # refused already
        return client.rest()


def tracebacks(subject: Subject) -> list[str]:
    """The tracebacks in the log, with the line before and some after."""
    return re.findall(r"(?m)^.*\nTraceback(?:.*\n){1,40}", subject.log)


def idle(subject: Subject) -> bool:
    """Whether no core is inside a request."""
    (worker,) = stats(subject.ports["PORT3"])["workers"]
    return not any(core["in_request"] for core in worker["cores"])


@pytest.mark.parametrize("front", FRONTS)
def test_three_hundred_mangled_requests(site: Subject, front: str) -> None:
    """Each connection ends; the worker is the one that it was, with no descriptor more."""
    port = site.ports[FRONTS[front]]
    seeds = UWSGI if front == "uwsgi" else HTTP
    assert serves(site)
    eventually(lambda: idle(site), "no core is busy")
    worker, before = site.worker(), descriptors(site.worker())
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda p: send(port, p), mutated(seeds, COUNT, 2024)))
    assert len(answers) == COUNT
    answered = [answer for answer in answers if answer.raw]
    assert len(answered) > COUNT / 10
    if front != "uwsgi":
        assert {answer.status_line[:7] for answer in answered} == {"HTTP/1."}
    eventually(lambda: idle(site), "no core is busy")
    eventually(lambda: descriptors(worker) <= before, "all connections are closed")
    assert site.worker() == worker
    assert tracebacks(site) == []
    assert "Respawned" not in site.log
    assert "respawned" not in site.log
    assert serves(site)


def serves(site: Subject) -> bool:
    """Whether every front answers a good request."""
    fronts = [site.ports[FRONTS[name]] for name in ("http-socket", "http11-socket", "http")]
    answers = [get(port, "/a.txt", ("Connection", "close")).text for port in fronts]
    return {*answers, ask(site.ports["PORT2"], "/a.txt").text} == {"a file"}
