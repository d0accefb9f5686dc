"""Every request that fails is one line in the log, and an answer where that is wanted."""

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.gateway_rules import NOTHING_ASKED, Plain
from tests.unit.eventually import until as eventually
from tests.unit.fastrouter.running import Handler, Node, packet, router
from tests.unit.forked import ask, connect, received

HOST = packet(HTTP_HOST="node", REMOTE_ADDR="10.0.0.9", REMOTE_PORT="99")
POST = packet(HTTP_HOST="node", CONTENT_LENGTH="50000") + b"x" * 50_000
LINE = (
    r"\[uwsgi-fastrouter key: node client_addr: {} client_port: {}\] {} node: {}/node \([\d.]+ s\)"
)


def nothing(client: socket.socket, data: bytes) -> None:
    """Close, having read the packet."""


def reset(client: socket.socket, data: bytes) -> None:
    """Close with a reset: bytes are left unread."""
    client.recv(1)


def half(client: socket.socket, data: bytes) -> None:
    """Say half of an answer, then reset."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    client.recv(1)


def silence(client: socket.socket, data: bytes) -> None:
    """Say nothing until the router has gone."""
    received(client)


def drip(client: socket.socket, data: bytes) -> None:
    """Say a byte, then nothing."""
    client.sendall(b"x")
    received(client)


@pytest.fixture(params=[True, False], ids=["errors", "plain"])
def answers(request: pytest.FixtureRequest) -> Iterator[bool]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("handler", "sent", "reason", "status", "begins"),
    [
        (nothing, HOST, "the node has closed without an answer", b"502", b""),
        (nothing, POST, r"(fr_instance_read\(\): .*reset.*|the node has closed.*)", b"502", b""),
        (reset, POST, r"fr_instance_read\(\): Connection reset by peer", b"502", b""),
        (half, POST, r"fr_instance_read\(\): Connection reset by peer", b"", b"HTTP/1.1 200 OK"),
        (silence, HOST, "timeout", b"504", b""),
        (drip, HOST, "timeout", b"", b"x"),
    ],
    ids=["nothing", "unread", "reset", "half", "silence", "drip"],
)
def test_a_request_that_fails_is_one_line(
    tmp_path: Path,
    answers: bool,
    handler: Handler,
    sent: bytes,
    reason: str,
    status: bytes,
    begins: bytes,
) -> None:
    options: dict[str, str | bool] = {
        "no_fd_passing": True,
        "fastrouter_timeout": "1",
        "fastrouter_errors": answers,
    }
    with (
        Node(tmp_path / "node", handler),
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/", **options) as r,
    ):
        got = ask(r, sent)
        log = tmp_path / "log"
        eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    if answers and status:
        assert got.startswith(b"HTTP/1.1 " + status)
    else:
        assert got.startswith(begins)
        assert got.count(b"HTTP/1.1") == begins.count(b"HTTP/1.1")
        assert bool(got) == bool(begins)
    client, port = ("10.0.0.9", "99") if sent is HOST else ("", "")
    [line] = log.read_text().splitlines()
    assert re.search(LINE.format(client, port, reason, re.escape(str(tmp_path))), line)


def test_a_client_that_leaves_is_no_failure(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node", silence) as node,
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/", no_fd_passing=True) as r,
    ):
        with connect(r) as client:
            client.sendall(packet(HTTP_HOST="node", CONTENT_LENGTH="10"))
            eventually(lambda: node.seen)
        assert ask(r, packet(X="y")) == b""
        log = tmp_path / "log"
        eventually(lambda: log.exists() and "no key" in log.read_text())
        assert len(log.read_text().splitlines()) == 1


def test_a_client_that_was_reset_is_no_failure(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node", silence) as node,
        router(tmp_path, fastrouter_use_base=f"{tmp_path}/", no_fd_passing=True) as r,
    ):
        with connect(r) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(HOST)
            eventually(lambda: node.seen)
        assert ask(r, packet(X="y")) == b""
        log = tmp_path / "log"
        eventually(lambda: log.exists() and "no key" in log.read_text())
        assert len(log.read_text().splitlines()) == 1


def test_a_way_that_fails_is_heard_of() -> None:
    """An OSError of the way is not taken for a client that has left."""

    class Lost:
        def node_for(self, key: bytes) -> None:
            raise FileNotFoundError("no table")

    chooser = Plain(Lost(), again=False)
    with pytest.raises(RuntimeError, match="the way of mapping failed: no table"):
        chooser.choose(NOTHING_ASKED, 0.0)
