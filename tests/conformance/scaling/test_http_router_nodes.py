"""http-to: the router before other nodes, which may be dead, full or strange."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.harness import (
    Backend,
    Starter,
    Subject,
    covers,
    exchange,
    free_port,
    get,
    request,
    stats,
)

UWSGI_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nnode"
Closing = Callable[[Any], Any]


@pytest.fixture
def node(backend_closer: Closing) -> Backend:
    found: Backend = backend_closer(Backend(UWSGI_OK, protocol="uwsgi"))
    return found


def in_front_of(start: Starter, *addresses: str, more: str = "") -> Subject:
    lines = "\n".join(f"http-to = {address}" for address in addresses)
    return start(f"http = 127.0.0.1:PORT\nmaster = true\n{lines}\n{more}")


def nothing_or(status: int, raw: bytes) -> bool:
    """Closed without a byte, or a short error page."""
    return raw == b"" or f" {status} ".encode() in raw.partition(b"\r\n")[0]


@covers("SC-100", "SC-102")
def test_a_standalone_router_needs_no_app(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address)
    assert get(subject.port, "/x").raw == UWSGI_OK


@covers("SC-102", "SC-103")
def test_the_packet_that_the_node_gets(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address, more="http-var = COLOUR=blue=green\n")
    headers = [("X-One", "1"), ("X-Forwarded-For", "9.9.9.9")]
    exchange(subject.port, request("/a%20b?q=1", "POST", headers, b"body"))
    received = node.wait_seen()
    assert received.packet is not None
    assert (received.packet.modifier1, received.packet.modifier2) == (0, 0)
    assert received.body == b"body"
    variables = received.packet.vars
    assert variables["PATH_INFO"] == "/a b"
    assert variables["REQUEST_URI"] == "/a%20b?q=1"
    assert variables["QUERY_STRING"] == "q=1"
    assert variables["UWSGI_ROUTER"] == "http"
    assert variables["SERVER_PORT"] == str(subject.port)
    assert variables["CONTENT_LENGTH"] == "4"
    assert variables["HTTP_X_ONE"] == "1"
    assert variables["COLOUR"] == "blue=green"
    order = [name for name, _ in received.packet.pairs]
    assert order[0] == "REQUEST_METHOD"
    assert order.index("REMOTE_ADDR") < order.index("HTTP_HOST") < order.index("HTTP_X_ONE")
    assert order.index("HTTP_X_ONE") < order.index("COLOUR")


@covers("SC-104")
def test_nothing_is_forwarded_that_was_not_sent(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address)
    get(subject.port, "/", ("X-Forwarded-For", "9.9.9.9"))
    packet = node.wait_seen().packet
    assert packet is not None
    assert packet.vars["HTTP_X_FORWARDED_FOR"] == "9.9.9.9"
    get(subject.port, "/")
    packet = node.wait_seen(2).packet
    assert packet is not None
    assert not any(name.startswith("HTTP_X_FORWARDED") for name in packet.vars)


@covers("SC-106", "SC-112")
def test_a_dead_node(start: Starter) -> None:
    subject = in_front_of(start, f"127.0.0.1:{free_port()}")
    assert nothing_or(502, get(subject.port).raw) or nothing_or(503, get(subject.port).raw)


@covers("SC-111")
def test_nodes_take_turns(start: Starter, backend_closer: Closing) -> None:
    nodes = [backend_closer(Backend(UWSGI_OK, protocol="uwsgi")) for _ in range(2)]
    subject = in_front_of(start, *(node.address for node in nodes))
    for _ in range(6):
        assert get(subject.port).text == "node"
    assert [len(node.seen) for node in nodes] == [3, 3]


@covers("SC-111")
def test_a_dead_node_is_passed_over(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, f"127.0.0.1:{free_port()}", node.address)
    for _ in range(4):
        assert get(subject.port).text == "node"
    subject.wait_for(r"unable to connect\(\) to node")
    subject.wait_for(r"=> marking 127\.0\.0\.1:\d+ as failed")


@covers("SC-111")
def test_a_node_may_be_a_unix_socket(start: Starter, backend_closer: Closing) -> None:
    path = str(start.directory() / "node.sock")
    backend_closer(Backend(UWSGI_OK, protocol="uwsgi", path=path))
    assert get(in_front_of(start, path).port).text == "node"


@covers("SC-113")
def test_the_fallback(start: Starter, node: Backend) -> None:
    subject = in_front_of(
        start, f"127.0.0.1:{free_port()}", more=f"http-fallback = {node.address}\n"
    )
    assert get(subject.port).text == "node"


@covers("SC-114")
@pytest.mark.parametrize("sent", [b"", b"garbage", b"HTTP/1.1 200 OK\r\nContent-"])
def test_what_a_bad_node_sends_is_passed_on(
    start: Starter, backend_closer: Closing, sent: bytes
) -> None:
    node = backend_closer(Backend(sent, protocol="uwsgi"))
    subject = in_front_of(start, node.address)
    answer = get(subject.port)
    assert answer.raw == sent or answer.status == 502


@covers("SC-115")
def test_the_modifiers(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address, more="http-modifier1 = 7\nhttp-modifier2 = 3\n")
    get(subject.port)
    packet = node.wait_seen().packet
    assert packet is not None
    assert (packet.modifier1, packet.modifier2) == (7, 3)


@covers("SC-116")
def test_the_server_name_may_be_the_host(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address, more="http-server-name-as-http-host = 1\n")
    exchange(subject.port, b"GET / HTTP/1.1\r\nHost: example.com:81\r\n\r\n")
    packet = node.wait_seen().packet
    assert packet is not None
    assert packet.vars["SERVER_NAME"] == "example.com:81"


@covers("SC-119")
def test_the_proxy_protocol(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address, more="http-enable-proxy-protocol = true\n")
    line = b"PROXY TCP4 9.8.7.6 127.0.0.1 4711 80\r\n"
    exchange(subject.port, line + request("/"))
    packet = node.wait_seen().packet
    assert packet is not None
    assert packet.vars["REMOTE_ADDR"] == "9.8.7.6"
    assert packet.vars["REMOTE_PORT"] == "4711"


@covers("SC-120")
def test_the_stats_of_the_router(start: Starter, node: Backend) -> None:
    subject = in_front_of(start, node.address, more="http-stats = 127.0.0.1:PORT1\n")
    shown = stats(subject.ports["PORT1"])
    assert f"127.0.0.1:{subject.port}" in shown["http"]
    assert {"version", "pid", "uid", "gid", "cwd", "active_sessions", "cheap"} <= set(shown)
