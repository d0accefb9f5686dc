"""Requests for other servers: what these hear, what comes back, what goes wrong."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from refuwsgi.offloading import internal_routing, route_here
from refuwsgi.request import Body, Request, SizedBody
from refuwsgi.routing.verdicts import BREAK, CONTINUE
from tests.unit.offloading.stand import (
    PATIENCE,
    descriptors,
    parse,
    read_all,
    request_of,
    started,
    until,
)

ENVIRON = {
    "REQUEST_METHOD": "POST",
    "REQUEST_URI": "/foo bar?a=b",
    "HTTP_HOST": "localhost",
    "HTTP_X_FOO_BAR": "1",
    "HTTP_CONNECTION": "keep-alive",
    "HTTP_TE": "trailers",
    "CONTENT_TYPE": "a/b",
    "CONTENT_LENGTH": "4",
    "REMOTE_ADDR": "127.0.0.1",
}
Speak = Callable[[socket.socket], object]
Say = bytes | Speak


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    return lines


@contextmanager
def node(say: Say, heard: list[bytes] | None = None) -> Iterator[str]:
    """A server that answers one client with these bytes, when it has heard something."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.settimeout(PATIENCE)
                data = client.recv(65536)
                if callable(say):
                    say(client)
                else:
                    client.sendall(say)
                    client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):  # it was told more than it wanted
                    while part := client.recv(65536):
                        data += part
                if heard is not None:
                    heard.append(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(PATIENCE)
        assert not thread.is_alive()


def act(action: str, argument: str, request: Request, memory: int = 0) -> int:
    return internal_routing.actions(memory)[action](argument)(request, None)


def answer_of(request: Request, client: socket.socket) -> bytes:
    if request.fd >= 0:
        socket.socket(fileno=request.fd).close()
        request.fd = -1
    return read_all(client)


def body_of(request: Request, data: bytes) -> Body:
    return SizedBody(request.fd, data, len(data), 4.0)


REPLY = b"HTTP/1.1 201 Weird\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nbody"


class TestHere:
    """Without threads."""

    def test_the_answer_is_written_anew(self) -> None:
        heard: list[bytes] = []
        with node(REPLY, heard) as where, request_of(ENVIRON) as (request, client):
            request.extra_headers = [("X-More", "2")]
            request.body = body_of(request, b"body")
            assert act("http", where, request) == BREAK
            answer = parse(answer_of(request, client))
        assert answer.status == "HTTP/1.1 201 Weird"
        assert answer.headers == [
            ("X-A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("X-More", "2"),
        ]  # fmt: skip
        assert (answer.body, request.status, request.via) == (b"body", 201, "route")
        assert heard[0].endswith(b"\r\n\r\nbody")

    def test_interim_answers_are_passed_over(self) -> None:
        first = b"HTTP/1.1 100 Continue\r\n\r\n"
        with node(first + REPLY) as where, request_of(ENVIRON) as (request, client):
            act("uwsgi", f"{where},0,0", request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 201 Weird"

    @pytest.mark.parametrize(
        "sent", [b"", b"garbage no http", b"HTTP/1.1 200 OK\r\nConten", b"x\r\n\r\n"]
    )
    def test_nonsense_is_502(self, sent: bytes, said: list[str]) -> None:
        with node(sent) as where, request_of(ENVIRON) as (request, client):
            act("http", where, request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 502 Bad Gateway"
        assert said[0].startswith(f"error routing request to http server {where}: ")

    def test_a_head_without_end_is_502(self) -> None:
        def speak(client: socket.socket) -> None:
            try:
                client.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500_000)
            except ConnectionError:
                pass

        with node(speak) as where, request_of(ENVIRON) as (request, client):
            act("http", where, request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 502 Bad Gateway"

    def test_silence_is_504(self) -> None:
        go = threading.Event()
        with request_of(ENVIRON, timeout=0.2) as (request, client):
            with node(lambda sock: go.wait(PATIENCE)) as where:
                act("proxyhttp", where, request)
                go.set()
            assert parse(answer_of(request, client)).status == "HTTP/1.1 504 Gateway Timeout"

    @pytest.mark.parametrize("where", ["127.0.0.1:1", "/nonexistent/socket", "@nobody-is-here"])
    def test_a_dead_server_is_502(self, where: str) -> None:
        before = descriptors()
        with request_of(ENVIRON) as (request, client):
            act("http", where, request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 502 Bad Gateway"
        assert descriptors() == before

    def test_an_address_that_is_none(self) -> None:
        with request_of({**ENVIRON, "WHERE": "host:port"}) as (request, client):
            act("http", "${WHERE}", request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 502 Bad Gateway"

    def test_vars_that_do_not_fit(self) -> None:
        with request_of({**ENVIRON, "BIG": "x" * 66000}) as (request, client):
            act("uwsgi", "127.0.0.1:1,0,0", request)
            assert parse(answer_of(request, client)).status == "HTTP/1.1 502 Bad Gateway"


class TestThreads:
    def test_the_answer_is_passed_on_as_it_is(self) -> None:
        with node(REPLY) as where, started(1) as threads, request_of(ENVIRON) as (request, client):
            request.offload = threads.offload
            assert act("http", where, request) == BREAK
            assert request.fd == -1
            assert read_all(client) == REPLY
            assert (request.core.offloaded, request.status) == (1, 202)

    @pytest.mark.parametrize("action", ["proxyhttp", "proxyuwsgi"])
    def test_some_are_never_given_away(self, action: str) -> None:
        with node(REPLY) as where, started(1) as threads, request_of(ENVIRON) as (request, client):
            request.offload = threads.offload
            act(action, where + (",0,0" if "uwsgi" in action else ""), request)
            assert parse(answer_of(request, client)).body == b"body"
            assert request.core.offloaded == 0

    def test_a_dead_server_is_told(self) -> None:
        with started(1) as threads, request_of(ENVIRON) as (request, client):
            request.offload = threads.offload
            act("http", "127.0.0.1:1", request)
            assert b" 502 Bad Gateway\r\n" in read_all(client)

    def test_connect(self) -> None:
        heard: list[bytes] = []
        speaks = node(b"hello", heard)
        with speaks as where, started(1) as threads, request_of(ENVIRON) as (request, client):
            request.offload = threads.offload
            act("httpconnect", where, request)
            client.sendall(b"hi")
            client.shutdown(socket.SHUT_WR)
            answer = read_all(client)
        assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nhello"
        until(lambda: heard == [b"hi"])


@pytest.mark.parametrize("action", ["httpconnect", "proxyhttpconnect"])
def test_a_tunnel_without_threads(action: str) -> None:
    heard: list[bytes] = []
    with node(b"hello", heard) as where, request_of(ENVIRON) as (request, client):
        client.sendall(b"hi")
        client.shutdown(socket.SHUT_WR)
        assert act(action, where, request) == BREAK
        answer = answer_of(request, client)
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nhello"
    assert heard == [b"hi"]


def test_a_tunnel_to_nobody(said: list[str]) -> None:
    for where, reason in (("127.0.0.1:1", "Connection refused"), ("${NOWHERE}", "no server")):
        with request_of(ENVIRON) as (request, client):
            act("httpconnect", where, request)
            assert b" 502 Bad Gateway\r\n" in answer_of(request, client)
        assert reason in said[-1]


def test_a_tunnel_in_which_nobody_speaks(said: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        with request_of(ENVIRON, timeout=0.1) as (request, _):
            act("httpconnect", where, request)
    assert said[-1].endswith("nobody has said anything")


def test_without_an_address_only_the_modifiers_are_set() -> None:
    with request_of() as (request, _):
        assert act("uwsgi", ",5,7,app", request) == CONTINUE
        assert (request.modifier1, request.modifier2) == (5, 7)
        assert request.environ["UWSGI_APPID"] == "app"


@pytest.mark.parametrize(
    ("action", "argument"),
    [
        ("http", "host:port"),
        ("http", ""),
        ("uwsgi", "127.0.0.1:3031"),
        ("uwsgi", "127.0.0.1:3031,0"),
        ("uwsgi", "127.0.0.1:3031,0,256"),
        ("uwsgi", "127.0.0.1:3031,0,x,a"),
    ],
)
def test_mistakes_show_at_the_start(action: str, argument: str) -> None:
    with pytest.raises(ValueError, match="."):
        internal_routing.actions(0)[action](argument)


def test_a_path_is_an_address(tmp_path: Any) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        found = internal_routing.Node(path)._fixed
        assert found is not None
        route_here.connected(found, 1.0).close()
