"""A worker that is killed while it holds a lock: the next one that wants it gets it."""

import os
import select
import signal
import time

import pytest

from tests.conformance.harness import Client, Starter, Subject, eventually, get, request

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 2
cache2 = name=pages,items=10,blocksize=16000000
module = app
"""
APP = """
import os, uwsgi
VALUE = b"x" * 16_000_000
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/hold"):
        if path == "/hold/lock":
            uwsgi.lock()
        with open(os.environ["CASE_DIR"] + "/half", "w") as file:
            file.write(str(os.getpid()))
        os.rename(os.environ["CASE_DIR"] + "/half", os.environ["CASE_DIR"] + "/holder")
        while True:
            uwsgi.cache_update("page", VALUE, 0, "pages")
    if path == "/want/lock":
        uwsgi.lock()
        uwsgi.unlock()
        found = "had"
    else:
        uwsgi.cache_update("other", "had", 0, "pages")
        found = uwsgi.cache_get("other", "pages").decode()
        assert uwsgi.cache_get("page", "pages") in (None, VALUE)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [found.encode()]
"""


def holder(subject: Subject) -> int:
    """The pid of the worker that is storing."""
    path = subject.directory / "holder"
    eventually(path.exists, "a worker holds")
    return int(path.read_text())


def waits(client: Client) -> bool:
    """Whether no answer has come for a while."""
    return not select.select([client.sock], [], [], 0.3)[0]


@pytest.mark.parametrize("what", ["cache", "lock"])
def test_the_next_one_has_it(start: Starter, what: str) -> None:
    """Stopped again and again until it is caught with the lock in its hands."""
    subject = start(SITE, files={"app.py": APP}, until=r"^spawned uWSGI worker 2 \(")
    with Client(subject.port, request(f"/hold/{what}")):
        pid = holder(subject)
        for _ in range(60):
            os.kill(pid, signal.SIGSTOP)
            with Client(subject.port, request(f"/want/{what}")) as client:
                if waits(client):
                    os.kill(pid, signal.SIGKILL)
                    killed = time.monotonic()
                    assert client.rest().text == "had"
                    print(f"{time.monotonic() - killed:.3f} s after the kill")
                    break
            os.kill(pid, signal.SIGCONT)
        else:
            pytest.fail("it never was caught with the lock")
    subject.wait_for(r"^Respawned uWSGI worker")
    for _ in range(4):
        assert get(subject.port, f"/want/{what}").text == "had"
