import array
import contextlib
import itertools
import os
import socket
from pathlib import Path

import pytest

from tests.unit.eventually import until as eventually
from tests.unit.fastrouter.running import Node, packet, router
from tests.unit.forked import ask, connect, received

HOST = packet(HTTP_HOST="node")


def log_of(path: Path) -> str:
    return (path / "log").read_text() if (path / "log").exists() else ""


def test_a_request_reaches_its_node_byte_for_byte(tmp_path: Path) -> None:
    with Node(tmp_path / "node") as node, router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r:
        assert ask(r, packet(9, HTTP_HOST="node", X="")) == b"I am node"
        assert node.seen == [packet(0, HTTP_HOST="node", X="")]


def test_a_packet_may_come_byte_by_byte(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node"),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r,
        connect(r) as client,
    ):
        for byte in HOST:
            client.sendall(bytes([byte]))
        assert received(client) == b"I am node"


def test_a_broken_packet_is_closed_without_a_word(tmp_path: Path) -> None:
    with router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r:
        assert ask(r, b"\0\0\0\0") == b""
        assert ask(r, b"\0\3\0\0\1\0k") == b""
        assert log_of(tmp_path) == ""


def test_a_missing_node_is_said_in_the_log(tmp_path: Path) -> None:
    with router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r:
        assert ask(r, HOST) == b""
        eventually(lambda: "no node takes the connection" in log_of(tmp_path))
        assert log_of(tmp_path).count("unable to connect() to node") == 1
        assert "key: node" in log_of(tmp_path)


def test_an_error_is_answered_where_that_is_wanted(tmp_path: Path) -> None:
    with router(tmp_path, fastrouter_use_base=f"{tmp_path}/", fastrouter_errors=True) as r:
        assert ask(r, HOST).startswith(b"HTTP/1.1 502 ")
        assert ask(r, packet(X="y")).startswith(b"HTTP/1.1 400 ")
        assert ask(r, packet(HTTP_HOST="../x")).startswith(b"HTTP/1.1 503 ")


def echo(client: socket.socket, data: bytes) -> None:
    while more := client.recv(65536):
        client.sendall(more)


def test_bytes_go_both_ways_until_the_node_ends(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node", echo),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r,
        connect(r) as client,
    ):
        client.sendall(packet(HTTP_HOST="node", HTTP_UPGRADE="websocket"))
        for word in (b"one", b"two"):
            client.sendall(word)
            assert client.recv(100) == word
        client.shutdown(socket.SHUT_WR)
        assert received(client) == b""


def test_a_client_of_whom_nothing_is_due_is_heard_all_the_same(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node", echo),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/", no_fd_passing=True) as r,
        connect(r) as client,
    ):
        client.sendall(HOST)
        client.sendall(b"unannounced")
        assert client.recv(100) == b"unannounced"


def test_a_client_that_half_closes_gets_its_answer(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node"),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r,
        connect(r) as client,
    ):
        client.sendall(HOST)
        client.shutdown(socket.SHUT_WR)
        assert received(client) == b"I am node"


BIG = os.urandom(1 << 20) * 8


def test_a_big_answer_waits_for_a_slow_client(tmp_path: Path) -> None:
    def speak(client: socket.socket, data: bytes) -> None:
        client.sendall(BIG)

    with (
        Node(tmp_path / "node", speak),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r,
        connect(r) as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(HOST)
        assert received(client) == BIG


def test_a_big_body_waits_for_a_slow_node(tmp_path: Path) -> None:
    got: list[int] = []

    def listen(client: socket.socket, data: bytes) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        missing = len(BIG)
        while missing and (more := client.recv(65536)):
            missing -= len(more)
        got.append(missing)
        client.sendall(b"thanks")

    with Node(tmp_path / "node", listen), router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r:
        request = packet(HTTP_HOST="node", CONTENT_LENGTH=str(len(BIG))) + BIG
        assert ask(r, request) == b"thanks"
    assert got == [0]


def test_a_node_that_does_not_read_the_body_may_answer(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node"),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r,
        connect(r) as client,
    ):
        client.sendall(packet(HTTP_HOST="node", CONTENT_LENGTH="1000000"))
        with contextlib.suppress(OSError):
            client.sendall(b"x" * 300_000)
        assert received(client) == b"I am node"


def test_a_silent_node_ends_in_a_timeout(tmp_path: Path) -> None:
    def wait(client: socket.socket, data: bytes) -> None:
        received(client)

    with (
        Node(tmp_path / "node", wait),
        router(
            tmp_path, fastrouter_use_base=f"{tmp_path}/", fastrouter_timeout="1", no_fd_passing=True
        ) as r,
    ):
        assert ask(r, HOST) == b""
        eventually(lambda: "timeout" in log_of(tmp_path))


def test_a_dripping_client_does_not_renew_its_time(tmp_path: Path) -> None:
    drips = itertools.chain([b"\0"], itertools.repeat(b"\xff"))
    with (
        router(tmp_path, fastrouter_to="/nowhere", fastrouter_timeout="1") as r,
        connect(r) as client,
    ):
        client.settimeout(0.1)

        def closed() -> bool:
            with contextlib.suppress(TimeoutError):
                with contextlib.suppress(BrokenPipeError):
                    client.sendall(next(drips))
                return client.recv(1) == b""
            return False

        eventually(closed)


def test_the_descriptor_of_the_client_goes_along(tmp_path: Path) -> None:
    answered: list[int] = []
    node = socket.socket(socket.AF_UNIX)
    node.bind(str(tmp_path / "node"))
    node.listen()
    node.settimeout(20)
    with node, router(tmp_path, fastrouter_use_base=f"{tmp_path}/") as r, connect(r) as client:
        client.sendall(HOST)
        conversation, _ = node.accept()
        with conversation:
            _, extra, _, _ = conversation.recvmsg(65536, 100)
            descriptors = array.array("i", extra[0][2])
            answered += descriptors
            with socket.socket(fileno=descriptors[0]) as passed:
                passed.setblocking(True)
                passed.sendall(b"directly")
        assert received(client) == b"directly"
    assert len(answered) == 1


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({}, {"no_fd_passing": True}),
        ({"CONTENT_LENGTH": "3"}, {}),
        ({"HTTP_UPGRADE": "websocket"}, {}),
    ],
)
def test_the_descriptor_stays_where_bytes_of_the_client_may_come(
    tmp_path: Path, more: dict[str, str], options: dict[str, bool]
) -> None:
    node = socket.socket(socket.AF_UNIX)
    node.bind(str(tmp_path / "node"))
    node.listen()
    node.settimeout(20)
    with (
        node,
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/", **options) as r,
        connect(r) as client,
    ):
        client.sendall(packet(HTTP_HOST="node", **more))
        conversation, _ = node.accept()
        with conversation:
            _, extra, _, _ = conversation.recvmsg(65536, 100)
    assert extra == []


def test_a_dead_node_is_left_out_and_another_answers(tmp_path: Path) -> None:
    dead, live = str(tmp_path / "dead"), str(tmp_path / "live")
    with Node(tmp_path / "live"), router(tmp_path, fastrouter_to=[dead, live]) as r:
        for _ in range(3):
            assert ask(r, HOST) == b"I am live"
        assert log_of(tmp_path).count("marking") == 1


def test_fallback_nodes_come_last_and_in_order(tmp_path: Path) -> None:
    fallback = [str(tmp_path / "none"), str(tmp_path / "spare")]
    with (
        Node(tmp_path / "spare"),
        router(tmp_path, fastrouter_to=str(tmp_path / "dead"), fastrouter_fallback=fallback) as r,
    ):
        for _ in range(3):
            assert ask(r, HOST) == b"I am spare"


def test_a_mapper_that_fails_costs_one_session(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "def get(key):\n    if key == 'bad': raise ValueError(key)\n    return {!r}\n".format(
            str(tmp_path / "node")
        )
    )
    with (
        Node(tmp_path / "node"),
        router(tmp_path, fastrouter_use_code_string=f"0:{tmp_path}/m.py:get") as r,
    ):
        assert ask(r, packet(HTTP_HOST="bad")) == b""
        assert ask(r, HOST) == b"I am node"
    assert "ValueError: bad" in log_of(tmp_path)
