"""Long bodies and answers through the HTTP router, which does not look at most of them."""

import random
import socket
import threading
from pathlib import Path

import pytest

from tests.unit.forked import connect
from tests.unit.scaling.routing import Handler, Node, exactly, router

BODY = random.Random(3).randbytes(3_000_000)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)
OK = b"HTTP/1.1 200 OK\r\n"


def speaks(*pieces: bytes) -> Handler:
    def handler(client: socket.socket, body: bytes, found: dict[bytes, bytes]) -> None:
        for piece in pieces:
            client.sendall(piece)

    return handler


def chunks_of(data: bytes, size: int) -> bytes:
    parts = (data[place : place + size] for place in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks_of(BODY, 100_000)
ANSWERS = [
    pytest.param((OK + LENGTH + BODY,), OK + LENGTH + BODY, id="with a length"),
    pytest.param((OK + LENGTH, BODY + b"too much"), OK + LENGTH + BODY, id="more than its length"),
    pytest.param((CHUNKED,), CHUNKED, id="in chunks"),
    pytest.param(
        (b"HTTP/1.0 200 OK\r\n\r\n" + BODY,), b"HTTP/1.0 200 OK\r\n\r\n" + BODY, id="to the end"
    ),
]


@pytest.mark.parametrize("room", [0, 4096])
@pytest.mark.parametrize(("pieces", "expected"), ANSWERS)
@pytest.mark.parametrize("kept", ["1", ""], ids=["kept", "closed"])
def test_a_long_answer(
    tmp_path: Path, pieces: tuple[bytes, ...], expected: bytes, kept: str, room: int
) -> None:
    """To a client that reads at once or one with little room, and the next request after it."""
    more = {"http_keepalive": kept} if kept else {}
    with (
        Node(tmp_path / "node", speaks(*pieces)),
        router(tmp_path, http_to=str(tmp_path / "node"), **more) as r,
        connect(r) as client,
    ):
        if room:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        again = kept and not expected.startswith(b"HTTP/1.0")
        for _ in range(3 if again else 1):
            client.sendall(GET)
            assert exactly(client, len(expected)) == expected


def test_a_long_answer_without_a_length_is_cut_into_chunks(tmp_path: Path) -> None:
    options: dict[str, str | bool] = {"http_keepalive": "1", "http_auto_chunked": True}
    with (
        Node(tmp_path / "node", speaks(OK + b"\r\n", BODY)),
        router(tmp_path, http_to=str(tmp_path / "node"), **options) as r,
        connect(r) as client,
        client.makefile("rb") as answer,
    ):
        client.sendall(GET)
        assert answer.readline() == OK
        assert answer.readline() == b"Transfer-Encoding: chunked\r\n"
        assert answer.readline() == b"\r\n"
        found = b""
        while size := int(answer.readline(), 16):
            found += answer.read(size)
            assert answer.read(2) == b"\r\n"
        assert found == BODY


def test_what_comes_behind_a_long_body_is_the_next_request(tmp_path: Path) -> None:
    with (
        Node(tmp_path / "node") as node,
        router(tmp_path, http_to=str(tmp_path / "node"), http_keepalive="1") as r,
        connect(r) as client,
    ):
        post = b"POST / HTTP/1.1\r\nHost: x\r\n" + LENGTH + BODY
        sender = threading.Thread(target=client.sendall, args=(post + post + GET,))
        sender.start()
        for body in (BODY, BODY, b""):
            head = OK + b"Content-Length: %d\r\n\r\n" % len(body)
            assert exactly(client, len(head) + len(body)) == head + body
        sender.join()
        assert len(node.seen) == 3
