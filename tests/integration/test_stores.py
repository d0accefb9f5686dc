"""redis and memcached themselves, behind the routes that ask them."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conformance.harness import WORKER, Starter, eventually, free_port, get

PROGRAMS = {
    "redis": ["redis-server", "--port", "{port}", "--save", "", "--appendonly", "no"],
    "memcached": ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", "{port}"],
}
APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode() * 5000]
"""


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


@contextmanager
def running(name: str) -> Iterator[int]:
    port = free_port()
    command = [word.format(port=port) for word in PROGRAMS[name]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), f"{name} listens")
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("threads", [0, 1])
def test_an_answer_is_stored_and_found(start: Starter, name: str, threads: int) -> None:
    if shutil.which(PROGRAMS[name][0]) is None:
        pytest.skip(f"{name} is not installed")
    with running(name) as port:
        subject = start(
            f"""
            http-socket = 127.0.0.1:PORT
            offload-threads = {threads}
            module = app
            route-run = {name}:addr=127.0.0.1:{port},key=${{PATH_INFO}},content_type=x/stored
            route-run = {name}store:addr=127.0.0.1:{port},key=${{PATH_INFO}},expires=1000
            """,
            files={"app.py": APP},
            until=WORKER,
        )
        first, again = get(subject.port, "/k"), get(subject.port, "/k")
        assert first.get("content-type") == "text/plain"
        assert again.get("content-type") == "x/stored"
        assert first.body == again.body == b"/k" * 5000
