import socket
from pathlib import Path

import pytest

from tests.unit.eventually import until as eventually
from tests.unit.forked import ask, connect, received
from tests.unit.scaling.routing import Node, exactly, log_of, router

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return tmp_path / "node"


def test_a_request_byte_by_byte(tmp_path: Path, node: Path) -> None:
    with Node(node), router(tmp_path, http_to=str(node)) as r, connect(r) as client:
        for byte in POST:
            client.sendall(bytes([byte]))
        assert received(client) == HELLO


def test_a_large_body_both_ways(tmp_path: Path, node: Path) -> None:
    body = bytes(range(256)) * 8000
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with Node(node), router(tmp_path, http_to=str(node)) as r:
        assert ask(r, head + body).partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("size", [5, 300_000])
def test_chunks_arrive_as_a_body_with_a_length(tmp_path: Path, node: Path, size: int) -> None:
    body = b"x" * size
    with Node(node) as behind, router(tmp_path, http_to=str(node)) as r:
        answer = ask(r, CHUNKED + b"%x;a=b\r\n" % size + body + b"\r\n0\r\n\r\n")
        assert answer.partition(b"\r\n\r\n")[2] == body
        (seen,) = behind.seen
        assert seen[b"CONTENT_LENGTH"] == str(size).encode()
        assert b"HTTP_TRANSFER_ENCODING" not in seen


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70000, b"431"),
        (CHUNKED + b"zz\r\n", b"400"),
    ],
)
def test_what_is_no_request_is_refused(
    tmp_path: Path, node: Path, data: bytes, status: bytes
) -> None:
    with Node(node) as behind, router(tmp_path, http_to=str(node)) as r:
        assert ask(r, data).startswith(b"HTTP/1.1 " + status)
        assert behind.seen == []


def test_a_head_that_does_not_come_and_a_client_that_says_nothing(
    tmp_path: Path, node: Path
) -> None:
    with router(tmp_path, http_to=str(node), http_headers_timeout="0.3") as r:
        assert ask(r, GET[:-2]).startswith(b"HTTP/1.1 408 ")
        assert ask(r, b"") == b""


def test_no_node(tmp_path: Path, node: Path) -> None:
    with router(tmp_path, http_to=str(node)) as r:
        assert ask(r, GET).startswith(b"HTTP/1.1 502 ")
        assert ask(r, GET).startswith(b"HTTP/1.1 503 ")
        eventually(lambda: "x => marking" in log_of(tmp_path))


def test_a_node_that_says_nothing(tmp_path: Path, node: Path) -> None:
    def silent(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        if found[b"PATH_INFO"] == b"/wait":
            client.recv(1)

    with Node(node, silent), router(tmp_path, http_to=str(node), http_timeout="0.5") as r:
        assert ask(r, GET).startswith(b"HTTP/1.1 502 ")
        assert ask(r, GET.replace(b"/ ", b"/wait ")).startswith(b"HTTP/1.1 504 ")


def test_after_a_byte_of_the_answer_there_is_no_error_page(tmp_path: Path, node: Path) -> None:
    def half(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        client.sendall(HELLO[:-2])

    with Node(node, half), router(tmp_path, http_to=str(node), http_keepalive="1") as r:
        assert ask(r, GET) == HELLO[:-2]


def test_a_kept_connection(tmp_path: Path, node: Path) -> None:
    with Node(node) as behind, router(tmp_path, http_to=str(node), http_keepalive="1") as r:
        with connect(r) as client:
            for _ in range(3):
                client.sendall(POST)
                assert received(client, b"hello") == HELLO
        assert len(behind.seen) == 3


def test_pipelined_requests_are_answered_in_order(tmp_path: Path, node: Path) -> None:
    with Node(node), router(tmp_path, http_to=str(node), http_keepalive="1") as r:
        last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert ask(r, POST + GET + POST + last) == HELLO + EMPTY + HELLO + EMPTY


def test_what_follows_a_body_and_is_no_request_ends_the_connection(
    tmp_path: Path, node: Path
) -> None:
    with Node(node), router(tmp_path, http_to=str(node), http_keepalive="1") as r:
        assert ask(r, POST + b"more") == HELLO


def test_a_kept_connection_is_not_idle_for_ever(tmp_path: Path, node: Path) -> None:
    with (
        Node(node),
        router(tmp_path, http_to=str(node), http_keepalive="1", http_timeout="0.4") as r,
    ):
        assert ask(r, POST) == HELLO


def test_an_unread_body_does_not_destroy_the_answer(tmp_path: Path, node: Path) -> None:
    def early(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        client.sendall(EMPTY)

    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    with (
        Node(node, early, reads=False),
        router(tmp_path, http_to=str(node), http_keepalive="1") as r,
        connect(r) as client,
    ):
        client.sendall(head + b"x" * 1000)
        assert received(client, b"\r\n\r\n") == EMPTY


def test_an_upgraded_connection_goes_both_ways(tmp_path: Path, node: Path) -> None:
    switched = b"HTTP/1.1 101 Switching\r\nUpgrade: echo\r\n\r\n"

    def upgraded(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        client.sendall(switched)
        while data := client.recv(100):
            client.sendall(data.upper())

    ask_for = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
    with (
        Node(node, upgraded),
        router(tmp_path, http_to=str(node), http_keepalive="1") as r,
        connect(r) as client,
    ):
        client.sendall(ask_for)
        assert received(client, b"\r\n\r\n") == switched
        client.sendall(b"abc")
        assert received(client, b"ABC") == b"ABC"
        client.sendall(b"def")
        client.shutdown(socket.SHUT_WR)
        assert received(client) == b"DEF"


def test_a_client_may_end_its_half(tmp_path: Path, node: Path) -> None:
    release = tmp_path / "release"

    def slow(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        eventually(release.exists)
        client.sendall(HELLO)

    with Node(node, slow), router(tmp_path, http_to=str(node)) as r, connect(r) as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        release.touch()
        assert received(client) == HELLO


def test_a_client_that_waits_to_be_told_is_told(tmp_path: Path, node: Path) -> None:
    head = POST[:-5].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with Node(node), router(tmp_path, http_to=str(node)) as r, connect(r) as client:
        client.sendall(head)
        assert received(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert received(client) == HELLO


def test_a_body_larger_than_what_is_asked_for(tmp_path: Path, node: Path) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\n"
    with Node(node), router(tmp_path, http_to=str(node), http_manage_expect="20") as r:
        assert ask(r, head).startswith(b"HTTP/1.1 413 ")


def test_only_the_first_line_is_the_balancers(tmp_path: Path, node: Path) -> None:
    line = b"PROXY TCP4 9.8.7.6 127.0.0.1 4711 80\r\n"
    with (
        Node(node) as behind,
        router(tmp_path, http_to=str(node), http_enable_proxy_protocol=True) as r,
    ):
        with connect(r) as client:
            client.sendall(line)
            client.sendall(POST)
            assert received(client) == HELLO
        assert behind.seen[0][b"REMOTE_ADDR"] == b"9.8.7.6"
        assert behind.seen[0][b"REMOTE_PORT"] == b"4711"
        assert ask(r, line + line.replace(b"9.8.7.6", b"1.1.1.1") + GET).startswith(
            b"HTTP/1.1 400 "
        )


def test_raw_chunks_for_those_who_want_them(tmp_path: Path, node: Path) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n"

    def raw(client: socket.socket, _: bytes, found: dict[bytes, bytes]) -> None:
        got = exactly(client, len(body))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + got)

    with Node(node, raw), router(tmp_path, http_to=str(node), http_chunked_input=True) as r:
        assert ask(r, CHUNKED + body).endswith(b"\r\n\r\n" + body)
