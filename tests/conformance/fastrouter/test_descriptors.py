"""Notes: fd passing, seen from the node: who gets a client's descriptor answers on it."""

import os
import socket
import tempfile

import pytest

from tests.conformance.harness import (
    WORKER,
    Starter,
    Subject,
    covers,
    descriptors,
    eventually,
    packet,
    request_vars,
)

APP = """
import os

def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/large":
        return [b"x" * 300000]
    if environ["PATH_INFO"] == "/file":
        return environ["wsgi.file_wrapper"](open("large", "rb"))
    return [b"said " + body]
"""
INSTANCE = "master = true\nsocket = DIR/n.sock\nwsgi-file = app.py\n"
LARGE = b"y" * 2_000_000


def instance(start: Starter, more: str = "") -> Subject:
    return start(INSTANCE + more, files={"app.py": APP, "large": LARGE}, until=WORKER)


def through(subject: Subject, data: bytes, *given: int, rest: bytes = b"") -> tuple[bytes, bytes]:
    """What a client's own connection hears, and what the router's does."""
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_UNIX) as router:
        ours.settimeout(30)
        router.settimeout(30)
        router.connect(subject.path("n.sock"))
        socket.send_fds(router, [data], list(given) or [theirs.fileno()])
        if rest:
            router.sendall(rest)
        theirs.close()
        return everything(ours), everything(router)


def everything(sock: socket.socket) -> bytes:
    found = b""
    while part := sock.recv(65536):
        found += part
    return found


@covers("FR-D1", kind="beyond")
@pytest.mark.parametrize("path", ["/", "/large", "/file"])
@pytest.mark.parametrize("threads", ["", "offload-threads = 1\n"])
def test_the_answer_goes_to_the_descriptor(start: Starter, path: str, threads: str) -> None:
    """The router's connection ends without a byte."""
    subject = instance(start, threads)
    told, heard = through(subject, packet(request_vars(path)))
    assert heard == b""
    assert told.startswith(b"HTTP/1.")
    expected = {"/": b"said ", "/large": b"x" * 300_000, "/file": LARGE}[path]
    assert told.partition(b"\r\n\r\n")[2] == expected


@covers("FR-D1", kind="beyond")
def test_a_node_may_refuse_descriptors(start: Starter) -> None:
    """With no-fd-passing the answer takes the way of the question."""
    told, heard = through(instance(start, "no-fd-passing = true\n"), packet(request_vars("/")))
    assert told == b""
    assert heard.endswith(b"\r\n\r\nsaid ")


@covers("FR-D1", kind="beyond")
def test_a_request_with_a_body_is_answered_where_the_body_comes(start: Starter) -> None:
    """The descriptor is closed; so is one that is no socket, and a second one."""
    subject = instance(start)
    worker = subject.worker()
    through(subject, packet(request_vars("/")))
    before = descriptors(worker)
    body = packet(request_vars("/", "POST", CONTENT_LENGTH="3"))
    told, heard = through(subject, body, rest=b"abc")
    assert (told, heard.partition(b"\r\n\r\n")[2]) == (b"", b"said abc")
    with tempfile.TemporaryFile() as file:
        told, heard = through(subject, packet(request_vars("/")), file.fileno())
        assert (told, heard.partition(b"\r\n\r\n")[2]) == (b"", b"said ")
        assert os.fstat(file.fileno()).st_size == 0
    left, right = socket.socketpair()
    with left, right:
        through(subject, packet(request_vars("/")), left.fileno(), right.fileno())
    told, heard = through(subject, b"\0\1\0\0x")
    assert (told, heard) == (b"", b"")
    eventually(lambda: descriptors(worker) == before, "nothing stays open")
