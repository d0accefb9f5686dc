"""Bodies and answers of many pieces: each byte arrives, at him for whom it was meant."""

import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, echo, upload
from tests.conformance.harness import (
    Backend,
    Client,
    Received,
    Starter,
    covers,
    eventually,
    exchange,
    packet,
    receive_packet,
    request_vars,
)

MIB = 1 << 20
KEPT = f"fastrouter-post-buffering = {4 * MIB}\n"
BODY = random.Random(7).randbytes(3 * MIB)


def pieces_of(data: bytes, largest: int) -> Iterator[bytes]:
    """The same bytes in pieces of any size up to the largest."""
    chance, place = random.Random(largest), 0
    while place < len(data):
        size = chance.randint(1, largest)
        yield data[place : place + size]
        place += size


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


SIZES = pytest.mark.parametrize(
    ("size", "largest"), [(3 * MIB, MIB), (MIB, 3000), (200_000, 50), (80_000, 80_000)]
)


def passes(start: Starter, family: str, place: Path, more: str, size: int, largest: int) -> None:
    """Send a body twice, and expect it to be what the node got."""
    path = str(place / "node") if family == "unix" else ""
    with Backend(echo, protocol="uwsgi", path=path) as node:
        router = "" if family == "tcp" else "fastrouter = DIR/router.sock\n"
        subject = start(TALLY + router + f"fastrouter-to = {node.address}\n" + more, until=ROUTER)
        where = subject.port if family == "tcp" else str(subject.directory / "router.sock")
        for _ in range(2):
            with Client(where, upload(size)) as client:
                for piece in pieces_of(BODY[:size], largest):
                    client.send(piece)
                assert client.rest().raw == b"got " + BODY[:size]


@covers("FR-120")
@SIZES
@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_a_streamed_body_of_many_pieces_arrives_whole(
    start: Starter, tmp_path: Path, family: str, size: int, largest: int
) -> None:
    """In large pieces or small ones, over either kind of socket."""
    passes(start, family, tmp_path, "", size, largest)


@covers("FR-121", "FR-123")
@SIZES
def test_a_kept_body_of_many_pieces_arrives_whole(
    start: Starter, tmp_path: Path, size: int, largest: int
) -> None:
    """Kept in memory, in large pieces or small ones."""
    passes(start, "tcp", tmp_path, KEPT, size, largest)


@covers("FR-123", kind="beyond")
@SIZES
def test_a_kept_body_goes_to_a_node_on_a_unix_socket(
    start: Starter, tmp_path: Path, size: int, largest: int
) -> None:
    """However large it is: C gives the node up that does not take all of it at once."""
    passes(start, "unix", tmp_path, KEPT, size, largest)


@covers("FR-120")
@pytest.mark.parametrize("largest", [MIB, 70_000, 3000])
def test_an_answer_of_many_pieces_arrives_whole(start: Starter, largest: int) -> None:
    """At clients that read at once, and at those that have little room."""

    def speak(sock: socket.socket, received: Received) -> None:
        for piece in pieces_of(BODY, largest):
            sock.sendall(piece)

    with Backend(speak, protocol="uwsgi") as node:
        subject = start(TALLY + f"fastrouter-to = {node.address}\n", until=ROUTER)
        for room in (0, 4096, 0):
            with Client(subject.port, packet(request_vars("/")), receive_buffer=room) as client:
                assert client.rest().raw == BODY


@covers("FR-120", kind="beyond")
@pytest.mark.parametrize("more", [KEPT, ""], ids=["kept", "streamed"])
def test_what_a_node_has_not_read_is_for_nobody_else(start: Starter, more: str) -> None:
    """Nodes leave in the middle of a body; the next one gets the next body alone.

    C, if it was still sending, asks such a node never again.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        node = f"127.0.0.1:{listener.getsockname()[1]}"
        subject = start(TALLY + f"fastrouter-to = {node}\n" + more, until=ROUTER)
        for _ in range(5):
            with Client(subject.port, upload(MIB)) as client:
                client.send(b"x" * MIB)
                conversation, _ = listener.accept()
                # Reset, so that the router hears of it while most of the body is still there.
                conversation.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                receive_packet(conversation)
                conversation.close()
                client.rest()
        with Client(subject.port, upload(MIB)) as client:
            client.send(BODY[:MIB])
            conversation, _ = listener.accept()
            conversation.settimeout(20)
            with conversation:
                found = receive_packet(conversation).rest
                while len(found) < MIB:
                    part = conversation.recv(MIB)
                    assert part, "the body ended early"
                    found += part
                assert found == BODY[:MIB]


@covers("FR-124")
def test_clients_that_leave_half_way_leave_nothing_behind(start: Starter) -> None:
    """Neither bytes for the next node, nor open files."""
    with Backend(echo, protocol="uwsgi") as node:
        subject = start(TALLY + f"fastrouter-to = {node.address}\n" + KEPT, until=ROUTER)
        pid = int(subject.wait_for(ROUTER)[1])
        assert exchange(subject.port, upload(MIB) + BODY[:MIB]).raw == b"got " + BODY[:MIB]
        before = open_files(pid)
        clients = [Client(subject.port, upload(MIB)) for _ in range(40)]
        for client in clients:
            client.send(b"x" * 300_000)
        eventually(lambda: open_files(pid) >= before + 40)
        for client in clients:
            client.sock.close()
        # Some that were in use may be kept for the next.
        eventually(lambda: open_files(pid) <= before + 8)
        assert exchange(subject.port, upload(MIB) + BODY[:MIB]).raw == b"got " + BODY[:MIB]
        assert len(node.seen) == 2
