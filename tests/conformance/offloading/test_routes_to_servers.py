"""http: and uwsgi: routes: the request goes to another server, the worker stays free."""

import socket
import threading

import pytest

from tests.conformance.harness import (
    OK,
    WORKER,
    Backend,
    Client,
    Received,
    Starter,
    ask,
    covers,
    eventually,
    exchange,
    free_port,
    get,
    post,
    request,
)
from tests.conformance.offloading.led import THREADS, Closing, core, site


@covers("OF-70")
def test_the_documents_example(start: Starter, backend_closer: Closing) -> None:
    """Three prefixes go to three servers, everything else to the app."""
    servers = {
        name: backend_closer(Backend(OK.replace(b"backend", f"from{name[:3]}".encode())))
        for name in ("foo", "bar", "node")
    }
    routes = "\n".join(f"route = ^/{name} http:{b.address}" for name, b in servers.items())
    subject = start(
        f"[uwsgi]\nsocket = :PORT\noffload-threads = 8\n{routes}\nmodule = case_app\n",
        until=WORKER,
    )
    for name in servers:
        assert ask(subject.port, f"/{name}/x").text == f"from{name[:3]}"
    assert ask(subject.port, "/hello").text == "hello"


@covers("OF-71", "OF-10")
def test_it_is_counted_twice(start: Starter, backend_closer: Closing) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/b http:{backend.address}")
    assert get(subject.port, "/b").text == "backend"

    def counted() -> bool:
        found = core(subject)
        return (found["routed_requests"], found["offloaded_requests"]) == (1, 1)

    eventually(counted, "it is counted as routed and as offloaded")


@covers("OF-72", "OF-74")
def test_the_worker_answers_others_while_a_backend_thinks(
    start: Starter, backend_closer: Closing
) -> None:
    """However long it thinks; here longer than socket-timeout."""
    think = threading.Event()
    backend = backend_closer(Backend(hold=think))
    subject = site(start, f"socket-timeout = 1\nroute = ^/b http:{backend.address}")
    with Client(subject.port, request("/b")) as client:
        backend.wait_seen()
        with Client(subject.port, b"GET /") as unfinished:
            unfinished.rest()  # ends after socket-timeout
        assert get(subject.port, "/hello").text == "hello"
        think.set()
        assert client.rest().text == "backend"


@covers("OF-73")
def test_without_threads_the_worker_waits_for_the_timeout(
    start: Starter, backend_closer: Closing
) -> None:
    think = threading.Event()
    backend = backend_closer(Backend(hold=think))
    subject = site(start, f"socket-timeout = 1\nroute = ^/b http:{backend.address}", threads=0)
    answer = get(subject.port, "/b")
    assert answer.raw == b"" or answer.status == 504
    assert get(subject.port, "/hello").text == "hello"


@covers("OF-75")
@THREADS
def test_bytes_pass_on_as_they_come(start: Starter, backend_closer: Closing, threads: int) -> None:
    go = threading.Event()

    def speak(sock: socket.socket, received: Received) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        go.wait(30)
        sock.sendall(b"second")

    backend = backend_closer(Backend(speak))
    subject = site(start, f"socket-timeout = 20\nroute = ^/b http:{backend.address}", threads)
    with Client(subject.port, request("/b")) as client:
        client.until(b"first")
        go.set()
        assert client.rest().raw == b"second"


@covers("OF-76", "OF-77")
@THREADS
def test_the_request_that_the_backend_gets(
    start: Starter, backend_closer: Closing, threads: int
) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/foo http:{backend.address}", threads)
    headers = [
        ("X-Foo-Bar", "1"),
        ("Cookie", "a=1"),
        ("Connection", "keep-alive"),
        ("TE", "trailers"),
        ("X-Forwarded-For", "9.9.9.9"),
        ("Content-Type", "a/b"),
    ]
    exchange(subject.port, request("/foo%20x?a=b", "POST", headers, b"body"))
    received = backend.wait_seen()
    assert received.lines == [
        "POST /foo%20x?a=b HTTP/1.0",
        "Host: localhost",
        "X-Foo-Bar: 1",
        "Cookie: a=1",
        "Content-Type: a/b",
        "Content-Length: 4",
        "Connection: close",
        "X-Forwarded-For: 9.9.9.9, 127.0.0.1",
    ]
    assert received.body == b"body"
    get(subject.port, "/foo")
    assert backend.wait_seen(2).lines[-1] == "X-Forwarded-For: 127.0.0.1"


@covers("OF-78", "OF-79")
@pytest.mark.parametrize(
    ("more", "line", "host"),
    [
        (",other.example", "GET /foo/z/y?q=1 HTTP/1.0", "Host: other.example"),
        (",,/new/$1?x=${QUERY_STRING}", "GET /new/z/y?x=q=1 HTTP/1.0", "Host:"),
        (",h,/fixed", "GET /fixed HTTP/1.0", "Host: h"),
    ],
)
def test_host_and_uri_may_be_replaced(
    start: Starter, backend_closer: Closing, more: str, line: str, host: str
) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/foo/(.*) http:{backend.address}{more}")
    get(subject.port, "/foo/z/y?q=1")
    lines = backend.wait_seen().lines
    assert lines[0] == line
    assert host in [text.strip() for text in lines]


@covers("OF-80")
@THREADS
@pytest.mark.parametrize("size", [30, 100_000, 300_000])
def test_bodies_reach_the_backend(
    start: Starter, backend_closer: Closing, threads: int, size: int
) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/b http:{backend.address}", threads)
    body = b"0123456789" * (size // 10)
    assert post(subject.port, "/b", body).text == "backend"
    assert backend.wait_seen().body == body


@covers("OF-81")
def test_the_worker_does_not_wait_for_the_rest_of_a_body(
    start: Starter, backend_closer: Closing
) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/b http:{backend.address}")
    with Client(subject.port, request("/b", "POST", [("Content-Length", "6")]) + b"abc") as client:
        assert get(subject.port, "/hello").text == "hello"
        client.send(b"def")
        assert client.rest().text == "backend"
    assert backend.wait_seen().body == b"abcdef"


REPLY = b"HTTP/1.1 201 Weird\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nbody"


@covers("OF-82")
@THREADS
def test_the_reply_passes(start: Starter, backend_closer: Closing, threads: int) -> None:
    """With threads verbatim; without, status line and headers are written anew, in order."""
    backend = backend_closer(Backend(REPLY))
    subject = site(start, f"route = ^/b http:{backend.address}", threads)
    answer = exchange(subject.port, request("/b", version="HTTP/1.0"))
    if threads:
        assert answer.raw == REPLY
    else:
        assert answer.status_line == "HTTP/1.0 201 Weird"
        assert answer.headers == [("X-A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
        assert answer.body == b"body"


@covers("OF-83", "OF-13")
@THREADS
def test_a_dead_backend_hurts_nobody(start: Starter, threads: int) -> None:
    subject = site(start, f"route = ^/b http:127.0.0.1:{free_port()}", threads)
    answer = get(subject.port, "/b")
    assert answer.raw == b"" or answer.status in (502, 503)
    assert get(subject.port, "/hello").text == "hello"


@covers("OF-D4")
@pytest.mark.parametrize("action", ["http:{}", "uwsgi:{},0,0"])
def test_a_dead_backend_is_told_to_the_client(start: Starter, action: str) -> None:
    subject = site(start, f"route = ^/b {action.format(f'127.0.0.1:{free_port()}')}")
    assert get(subject.port, "/b").status in (502, 503, 504)


@covers("OF-84")
@pytest.mark.parametrize("sent", [b"", b"garbage no http", b"HTTP/1.1 200 OK\r\nConten"])
@THREADS
def test_a_backend_that_speaks_nonsense(
    start: Starter, backend_closer: Closing, sent: bytes, threads: int
) -> None:
    backend = backend_closer(Backend(sent))
    subject = site(start, f"route = ^/b http:{backend.address}", threads)
    answer = get(subject.port, "/b")
    assert answer.raw in (sent, b"") or answer.status == 502
    assert get(subject.port, "/hello").text == "hello"


@covers("OF-85")
def test_a_client_that_leaves_is_told_to_the_backend(
    start: Starter, backend_closer: Closing
) -> None:
    think = threading.Event()
    backend = backend_closer(Backend(hold=think))
    subject = site(start, f"route = ^/b http:{backend.address}")
    with Client(subject.port, request("/b")):
        backend.wait_seen()
    assert backend.closed_by_peer.wait(20)
