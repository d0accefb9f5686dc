"""https-socket: the workers speak HTTPS themselves."""

import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conformance.harness import Starter, Subject, covers, get, request

APP = """
def application(environ, start_response):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/big":
        return [b"x" * 1000000] * 5
    names = ("HTTPS", "wsgi.url_scheme", "REMOTE_ADDR")
    return [" ".join(str(environ.get(name)) for name in names).encode() + b" %d" % len(body)]
"""
PEM = Path(__file__).parent.parent.joinpath("apps", "localhost.pem").read_text()
FILES = {"app.py": APP, "localhost.pem": PEM}
SITE = "https-socket = 127.0.0.1:PORT,localhost.pem,localhost.pem\nmaster = true\nmodule = app\n"


@contextmanager
def connected(subject: Subject) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", subject.port), 25)
    with plain, context.wrap_socket(plain) as secure:
        yield secure


def rest(client: ssl.SSLSocket) -> bytes:
    found = b""
    while part := client.recv(65536):
        found += part
    return found


def ask(subject: Subject, data: bytes) -> bytes:
    with connected(subject) as client:
        client.sendall(data)
        return rest(client)


@covers("SC-345")
def test_a_request_over_tls(start: Starter) -> None:
    subject = start(SITE, files=FILES)
    answer = ask(subject, request("/hello"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"on https 127.0.0.1 0")
    subject.wait_for("GET /hello =>")


@covers("SC-345")
def test_large_bodies_both_ways(start: Starter) -> None:
    subject = start(SITE + "post-buffering = 1\n", files=FILES)
    body = b"y" * 300_000
    head = f"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert ask(subject, head + body).endswith(b"on https 127.0.0.1 300000")
    assert len(ask(subject, request("/big")).partition(b"\r\n\r\n")[2]) == 5_000_000


@covers("SC-345")
def test_who_speaks_no_tls_gets_nothing(start: Starter) -> None:
    subject = start(SITE, files=FILES)
    with socket.create_connection(("127.0.0.1", subject.port), 25) as client:
        client.sendall(request("/hello"))
        try:
            answer = client.recv(100)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP")
    assert b"200 OK" in ask(subject, request("/hello"))


@covers("SC-345")
def test_what_was_written_arrives_at_a_reload(start: Starter) -> None:
    """A worker that leaves has sent everything, and the socket lives on."""
    subject = start(SITE, files=FILES)
    with connected(subject) as client:
        client.sendall(request("/big"))
        first = client.recv(1000)
        subject.signal(signal.SIGHUP)
        subject.wait_for("gracefully killing workers")
        assert len((first + rest(client)).partition(b"\r\n\r\n")[2]) == 5_000_000
    subject.wait_for(r"gracefully \(RE\)spawned uWSGI master")
    assert b"200 OK" in ask(subject, request("/hello"))


@covers("SC-345")
def test_plain_and_secure_doors_beside_each_other(start: Starter) -> None:
    subject = start(SITE + "http-socket = 127.0.0.1:PORT1\n", files=FILES)
    assert get(subject.ports["PORT1"], "/hello").text == "None http 127.0.0.1 0"
    assert ask(subject, request("/hello")).endswith(b"on https 127.0.0.1 0")


@covers("SC-345")
@pytest.mark.parametrize(
    ("value", "word"),
    [("127.0.0.1:PORT,no.pem,no.pem", "no.pem"), ("127.0.0.1:PORT", "https-socket")],
)
def test_what_cannot_be_loaded_is_refused(start: Starter, value: str, word: str) -> None:
    ended = start.run(f"https-socket = {value}\nmaster = true\nmodule = app\n", files=FILES)
    assert ended.code == 1
    assert word in ended.log
