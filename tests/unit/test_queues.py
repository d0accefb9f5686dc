"""Queues: how many clients wait to be accepted."""

import os
import socket
import struct
from pathlib import Path

import pytest

from refuwsgi import queues
from refuwsgi.address import Address, parse
from refuwsgi.binding import bind
from refuwsgi.queues import backlog_of
from tests.unit.eventually import until


@pytest.mark.parametrize("kind", ["tcp", "unix", "abstract"])
def test_the_queue_of_a_listener(kind: str, tmp_path: Path) -> None:
    address = {
        "tcp": parse("127.0.0.1:0"),
        "unix": parse(str(tmp_path / "s")),
        "abstract": Address("abstract", path=f"refuwsgi-{os.getpid()}-queue"),
    }[kind]
    with (
        bind(address, backlog=7) as sock,
        socket.socket(sock.family) as one,
        socket.socket(sock.family) as two,
    ):
        if backlog_of(sock) is None:
            pytest.skip("the kernel: it does not say")
        assert backlog_of(sock) == (0, 7)
        one.connect(sock.getsockname())
        two.connect(sock.getsockname())
        until(lambda: backlog_of(sock) == (2, 7))
        sock.accept()[0].close()
        until(lambda: backlog_of(sock) == (1, 7))


def test_a_kernel_that_does_not_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(queues, "SOCK_DIAG", 999)
    with bind(parse(str(tmp_path / "s"))) as sock:
        assert backlog_of(sock) is None
    monkeypatch.delattr(socket, "TCP_INFO", raising=False)
    with bind(parse("127.0.0.1:0")) as sock:
        assert backlog_of(sock) is None


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        (struct.pack("=HHII", 12, 4, 3, 7), (3, 7)),
        (struct.pack("=HHB3xHHII", 5, 6, 1, 12, 4, 3, 7), (3, 7)),
        (struct.pack("=HHB3x", 5, 6, 1), None),
        (struct.pack("=HH", 0, 6), None),
        (b"", None),
    ],
)
def test_the_queue_is_found_among_other_attributes(
    attributes: bytes, found: tuple[int, int] | None
) -> None:
    assert queues._queue_in(attributes) == found


def test_an_answer_that_is_cut_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(queues, "_queue_in", lambda attributes: struct.unpack("=II", b""))
    with bind(parse(str(tmp_path / "s"))) as sock:
        assert backlog_of(sock) is None
