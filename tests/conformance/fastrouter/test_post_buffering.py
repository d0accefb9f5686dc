"""Post-buffering mode: bodies are here before the node is asked."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead, echo, names, node, upload
from tests.conformance.harness import (
    Backend,
    Client,
    Received,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    packet,
    receive_packet,
    request_vars,
)


class Setup:
    """A router in buffering mode, and a node that says what it got."""

    def __init__(self, start: Starter, more: str = "", limit: int = 8192) -> None:
        self.node = Backend(echo, protocol="uwsgi")
        self.router: Subject = start(
            TALLY + f"fastrouter-to = {self.node.address}\n"
            f"fastrouter-post-buffering = {limit}\n" + more,
            until=ROUTER,
            env={"TMPDIR": "DIR/"},
        )
        self.pid = int(self.router.wait_for(ROUTER)[1])
        assert names(self.router.port, 1) == ["got "]
        self.own = set(self._nameless())
        self.node.seen.clear()

    def files(self) -> list[str]:
        """The open files without a name that the router did not have before any request."""
        return [name for fd, name in self._nameless().items() if fd not in self.own]

    def _nameless(self) -> dict[str, str]:
        found = {}
        for each in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                found[each.name] = os.readlink(each)
            except OSError:
                continue
        return {fd: name for fd, name in found.items() if "(deleted)" in name}


@pytest.fixture(scope="module")
def buffering(start_module: Starter) -> Iterator[Setup]:
    """One setup for the cases that leave it as it was."""
    setup = Setup(start_module)
    yield setup
    setup.node.close()


@covers("FR-120")
def test_without_the_option_the_node_hears_at_once(start: Starter) -> None:
    """The packet goes on before a byte of the body is there; the body follows as it comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        port = listener.getsockname()[1]
        subject = start(TALLY + f"fastrouter-to = 127.0.0.1:{port}\n", until=ROUTER)
        with Client(subject.port, upload(10)) as client:
            conversation, _ = listener.accept()
            conversation.settimeout(20)
            with conversation:
                assert receive_packet(conversation).vars["CONTENT_LENGTH"] == "10"
                client.send(b"first")
                assert conversation.recv(100) == b"first"
                client.send(b"again")
                assert conversation.recv(100) == b"again"
                conversation.sendall(b"thanks")
            assert client.rest().raw == b"thanks"


@covers("FR-121", "FR-122", "FR-123")
@pytest.mark.parametrize("size", [1, 4096, 8191, 8192, 8193, 300_000])
def test_a_body_arrives_whole(buffering: Setup, size: int) -> None:
    """Up to n bytes through memory, beyond through a file: the node gets the same bytes."""
    body = os.urandom(size)
    before = len(buffering.node.seen)
    with Client(buffering.router.port, upload(size)) as client:
        client.send(body[: size // 2])
        client.send(body[size // 2 :])
        assert client.rest().raw == b"got " + body
    assert len(buffering.node.seen) == before + 1
    eventually(lambda: not buffering.files())


@covers("FR-121")
@pytest.mark.parametrize("size", [8192, 8193])
def test_the_node_hears_nothing_before_the_last_byte(buffering: Setup, size: int) -> None:
    """No connection to the node while the body is on its way."""
    before = len(buffering.node.seen)
    with Client(buffering.router.port, upload(size)) as client:
        client.send(b"x" * (size - 1))
        # Another request, behind this one, is answered: so there was time to hear of it.
        assert exchange(buffering.router.port, upload(1) + b"y").raw == b"got y"
        assert len(buffering.node.seen) == before + 1
        client.send(b"x")
        assert client.rest().raw == b"got " + b"x" * size


@covers("FR-121")
def test_not_even_a_connection_is_made_before_the_last_byte(start: Starter) -> None:
    """Of two requests the second is whole first: its connection is the first that is made."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        port = listener.getsockname()[1]
        subject = start(
            TALLY + f"fastrouter-to = 127.0.0.1:{port}\nfastrouter-post-buffering = 8192\n",
            until=ROUTER,
        )
        with Client(subject.port, upload(2) + b"a") as half, Client(subject.port) as whole:
            whole.send(upload(3) + b"bcd")
            for length in ("3", "2"):
                conversation, _ = listener.accept()
                with conversation:
                    conversation.settimeout(20)
                    assert receive_packet(conversation).vars["CONTENT_LENGTH"] == length
                if length == "3":
                    half.send(b"z")


@covers("FR-122")
def test_a_big_body_lies_in_a_file_without_a_name(buffering: Setup) -> None:
    """More than n bytes: a file under $TMPDIR that nobody else can open; n bytes: none."""
    with Client(buffering.router.port, upload(8193)) as client:
        client.send(b"x" * 8000)
        eventually(buffering.files)
        (name,) = buffering.files()
        assert name.startswith(str(buffering.router.directory))
    eventually(lambda: not buffering.files())
    with Client(buffering.router.port, upload(8192)) as client:
        client.send(b"x" * 8000)
        assert exchange(buffering.router.port, upload(1) + b"y").raw == b"got y"
        assert buffering.files() == []


@covers("FR-124")
@pytest.mark.parametrize("size", [5000, 50_000])
def test_a_client_that_leaves_half_way_is_forgotten(buffering: Setup, size: int) -> None:
    """The node hears nothing of it."""
    before = len(buffering.node.seen)
    with Client(buffering.router.port, upload(size)) as client:
        client.send(b"x" * 4000)
    eventually(lambda: not buffering.files())
    assert exchange(buffering.router.port, upload(1) + b"y").raw == b"got y"
    assert len(buffering.node.seen) == before + 1


@covers("FR-124")
def test_a_client_that_falls_silent_half_way_is_closed(start: Starter) -> None:
    """After the timeout, without a byte, and without the node."""
    setup = Setup(start, "fastrouter-timeout = 1\n")
    with Client(setup.router.port, upload(5000) + b"x") as client:
        assert client.rest().raw == b""
    assert setup.node.seen == []
    setup.node.close()


@covers("FR-125")
@pytest.mark.parametrize("length", [None, "", "0"])
def test_a_request_without_a_length_is_streamed(start: Starter, length: str | None) -> None:
    """Chunked bodies and websockets pass as if the option were not there."""

    def talk(sock: socket.socket, received: Received) -> None:
        sock.sendall(received.body.upper())  # what came with the packet
        while data := sock.recv(100):
            sock.sendall(data.upper())

    with Backend(talk, protocol="uwsgi") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-post-buffering = 10\n", until=ROUTER
        )
        more = {} if length is None else {"CONTENT_LENGTH": length}
        with Client(subject.port, packet(request_vars("/", "POST", **more))) as client:
            for word in (b"one", b"two"):
                client.send(word)
                client.until(word.upper())


@covers("FR-126", kind="beyond")
@pytest.mark.parametrize("length", ["abc", "-5", "99999999999999999999"])
def test_a_length_that_is_no_number_is_closed_at_once(buffering: Setup, length: str) -> None:
    """The router does not wait for rubbish many bytes."""
    assert exchange(buffering.router.port, upload(length)).raw == b""


@covers("FR-127")
def test_without_a_place_for_the_file_the_client_is_closed(start: Starter) -> None:
    """Small bodies go on."""
    with Backend(echo, protocol="uwsgi") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-post-buffering = 100\n",
            until=ROUTER,
            env={"TMPDIR": "/nowhere/at/all"},
        )
        assert exchange(subject.port, upload(101) + b"x" * 101).raw == b""
        assert exchange(subject.port, upload(2) + b"ok").raw == b"got ok"
        assert len(n.seen) == 1


@covers("FR-128")
def test_the_directory_option_is_accepted(start: Starter) -> None:
    """It does nothing."""
    with node("N") as n:
        subject = start(
            TALLY + f"fastrouter-to = {n.address}\nfastrouter-post-buffering-dir = /nowhere\n"
            "fastrouter-post-buffering = 100\n",
            until=ROUTER,
        )
        assert names(subject.port, 1) == ["N"]


@covers("FR-121")
def test_many_slow_uploads_hold_nobody_up(buffering: Setup) -> None:
    """The document's reason: ten clients that upload for ages, and a node that is free."""
    clients = [Client(buffering.router.port, upload(7000) + b"x") for _ in range(10)]
    try:
        before = len(buffering.node.seen)
        assert exchange(buffering.router.port, upload(1) + b"y").raw == b"got y"
        assert len(buffering.node.seen) == before + 1
    finally:
        for client in clients:
            client.sock.close()


@covers("FR-B1", kind="beyond")
def test_what_cannot_be_kept_is_answered_if_that_is_wanted(start: Starter) -> None:
    """With fastrouter-errors: 503 when no file can be made, 502 when no node takes it."""
    subject = start(
        TALLY + f"fastrouter-to = {dead()}\nfastrouter-post-buffering = 100\n"
        "fastrouter-errors = true\n",
        until=ROUTER,
        env={"TMPDIR": "/nowhere/at/all"},
    )
    assert exchange(subject.port, upload(101) + b"x" * 101).status == 503
    assert exchange(subject.port, upload(2) + b"ok").status in (502, 503)
