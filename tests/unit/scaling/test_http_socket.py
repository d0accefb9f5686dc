"""The door through which a core gets HTTP, fed through a socket pair."""

import socket
from collections.abc import Iterator

import pytest

from refuwsgi.address import parse
from refuwsgi.listeners import Listener
from refuwsgi.protocol.uwsgi import size_of
from refuwsgi.request import Request
from refuwsgi.scaling.http_socket import HttpDoor
from refuwsgi.scoreboard import Scoreboard

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
NEXT = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"


class Stand:
    """A door, a client, and the core between them."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        listener = Listener(self.listening, parse("127.0.0.1:1"), "http11")
        self.door = HttpDoor(listener, 4096, 5.0, keep=True, most=4)
        self.client, self.server = socket.socketpair()
        self.client.settimeout(20)
        self.server.setblocking(False)
        self.core = Scoreboard(1, 1).cores[0][0]

    def ask(self, data: bytes, held: bytes = b"") -> Request | None:
        if data:
            self.client.sendall(data)
        return self.door.receive(self.server.fileno(), held, ("127.0.0.1", 5), self.core)

    def answer(self) -> bytes:
        return self.client.recv(65536)

    def close(self) -> None:
        for each in (self.listening, self.client, self.server):
            each.close()


@pytest.fixture
def stand() -> Iterator[Stand]:
    found = Stand()
    yield found
    found.close()


def test_what_comes_behind_a_request_is_the_next(stand: Stand) -> None:
    first = stand.ask(GET + NEXT)
    assert first is not None
    assert (first.environ["PATH_INFO"], first.keep) == ("/a", True)
    second = stand.ask(b"", first.beyond)
    assert second is not None
    assert (second.environ["PATH_INFO"], second.beyond) == ("/b", b"")


def test_a_body_ends_where_its_length_says(stand: Stand) -> None:
    first = stand.ask(POST + b"abc" + NEXT)
    assert first is not None
    assert first.body.read() == b"abc"
    assert first.beyond == NEXT


def test_a_body_in_chunks_ends_where_its_last_chunk_does(stand: Stand) -> None:
    first = stand.ask(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + NEXT)
    assert first is not None
    assert first.body.read() == b"abc"
    assert getattr(first.body, "beyond", b"") == NEXT


def test_the_beginning_of_the_next_request_is_completed(stand: Stand) -> None:
    first = stand.ask(GET + NEXT[:9])
    assert first is not None
    second = stand.ask(NEXT[9:], first.beyond)
    assert second is not None
    assert second.environ["PATH_INFO"] == "/b"


def test_who_waits_to_be_asked_is_asked_once(stand: Stand) -> None:
    request = stand.ask(EXPECT)
    assert request is not None
    stand.client.sendall(b"abc")
    assert request.body.read(1) == b"a"
    assert request.body.read() == b"bc"
    request.send(b"the end")
    assert stand.answer() == b"HTTP/1.1 100 Continue\r\n\r\nthe end"


def test_nobody_is_asked_when_the_answer_has_begun(stand: Stand) -> None:
    request = stand.ask(EXPECT)
    assert request is not None
    head = request.head("200 OK", [])
    request.send(head)
    stand.client.sendall(b"abc")
    assert request.body.read() == b"abc"
    assert stand.answer() == head


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\nHost: x\n\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET /" + b"a" * 5000, b"414"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 5000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5 + b"\r\n", b"431"),
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(
    stand: Stand, data: bytes, status: bytes
) -> None:
    stand.client.sendall(data)
    stand.client.shutdown(socket.SHUT_WR)
    assert stand.ask(b"") is None
    assert stand.answer().split(b" ")[1] == status
    assert stand.core.read_errors == 1


def test_a_client_that_leaves_is_no_request(stand: Stand) -> None:
    stand.client.shutdown(socket.SHUT_WR)
    assert stand.ask(b"") is None


@pytest.mark.parametrize("cookie", [b"", b"Cookie: a=b \r\n"])
@pytest.mark.parametrize("target", [b"/a?b=c", b"/%41/../b?", b"/"])
def test_the_size_of_a_packet_is_known_without_a_look_at_the_vars(
    stand: Stand, target: bytes, cookie: bytes
) -> None:
    stand.door.measures = True
    head = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + cookie + b"\r\n"
    sizes = []
    for _ in range(3):  # the third is like two others
        found = stand.ask(head)
        assert found is not None
        sizes.append(found.packet_size)
        assert found.packet_size in (0, size_of(found.environ))
    assert sizes[-1]


def test_a_target_is_refused_though_the_rest_of_its_head_is_known(stand: Stand) -> None:
    for target, answer in ((b"/a", b""), (b"/a", b""), (b"/%00a", b"HTTP/1.1 400 ")):
        found = stand.ask(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (found is None) == bool(answer)
    stand.server.shutdown(socket.SHUT_WR)
    assert stand.answer().startswith(answer)
    assert stand.core.read_errors == 1
