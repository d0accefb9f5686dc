"""Streams: receive, send, connect, packets."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.address import Address, parse
from refuwsgi.loop import sleep
from refuwsgi.protocol.uwsgi import encode
from refuwsgi.streams import connect, receive, receive_packet, send_all
from tests.unit.eventually import run

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_what_is_there_is_received_at_once(pair: Pair) -> None:
    pair[1].send(b"hello")
    assert run(receive(pair[0], 3)) == [b"hel"]


def test_receive_waits_for_bytes_and_says_the_end(pair: Pair) -> None:
    async def hear() -> list[bytes]:
        return [await receive(pair[0], timeout=10), await receive(pair[0], timeout=10)]

    async def speak() -> None:
        await sleep(0.01)
        pair[1].send(b"x")
        await sleep(0.01)
        pair[1].shutdown(socket.SHUT_WR)

    assert run(hear(), speak())[0] == [b"x", b""]


def test_receive_gives_up(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        run(receive(pair[0], timeout=0.01))


def test_send_all_sends_more_than_a_socket_holds(pair: Pair) -> None:
    data = os.urandom(3_000_000)

    async def hear() -> bytes:
        heard = bytearray()
        while len(heard) < len(data):
            heard += await receive(pair[0], timeout=10)
        return bytes(heard)

    assert run(hear(), send_all(pair[1], data, 10))[0] == data


def test_send_all_gives_up_on_a_peer_that_takes_nothing(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        run(send_all(pair[1], bytes(10_000_000), 0.05))


def served(kind: str, folder: Path) -> tuple[socket.socket, str]:
    """A server of each kind, and its address."""
    plain = f"refuwsgi-{os.getpid()}-plain"
    names: dict[str, tuple[int, Any, str]] = {
        "tcp": (socket.AF_INET, ("127.0.0.1", 0), "127.0.0.1:{}"),
        "tcp6": (socket.AF_INET6, ("::1", 0), "[::1]:{}"),
        "name": (socket.AF_INET, ("127.0.0.1", 0), "localhost:{}"),
        "unix": (socket.AF_UNIX, str(folder / "s"), str(folder / "s")),
        "abstract": (socket.AF_UNIX, f"\0{plain}", f"@{plain}"),
    }
    family, name, text = names[kind]
    server = socket.socket(family)
    try:
        server.bind(name)
    except OSError:
        server.close()
        pytest.skip(f"the kernel: no {kind}")
    server.listen()
    return server, text.format(port_of(server) if family != socket.AF_UNIX else "")


@pytest.mark.parametrize("kind", ["tcp", "tcp6", "name", "unix", "abstract"])
def test_a_connection_is_made(kind: str, tmp_path: Path) -> None:
    server, text = served(kind, tmp_path)
    with server, run(connect(parse(text), 10))[0] as client, server.accept()[0] as there:
        there.send(b"x")
        assert client.getblocking() is False
        assert run(receive(client, timeout=10)) == [b"x"]


def test_an_abstract_name_is_first_tried_as_uwsgi_binds_it() -> None:
    name = f"refuwsgi-{os.getpid()}-both"
    with socket.socket(socket.AF_UNIX) as ours, socket.socket(socket.AF_UNIX) as plain:
        ours.bind(f"\0{name}\0")
        plain.bind(f"\0{name}")
        for each in (ours, plain):
            each.listen()
            each.setblocking(False)
        with run(connect(Address("abstract", path=name), 10))[0]:
            ours.accept()[0].close()
            with pytest.raises(BlockingIOError):
                plain.accept()


def test_a_refusal_is_told(tmp_path: Path, listener: socket.socket) -> None:
    port = port_of(listener)
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        run(connect(Address("tcp", host="127.0.0.1", port=port), 10))
    with pytest.raises(FileNotFoundError):
        run(connect(Address("unix", path=str(tmp_path / "none")), 10))
    with pytest.raises(OSError, match="nothing to connect to"):
        run(connect(Address("shared"), 10))


def test_a_name_that_nobody_knows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror):
        run(connect(parse("nobody.invalid:80"), 10))


def test_a_full_unix_queue_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        server.setblocking(False)
        first = run(connect(parse(path), 10))[0]
        with pytest.raises(TimeoutError):
            run(connect(parse(path), 0.05))

        async def make_room() -> None:
            await sleep(0.05)
            server.accept()[0].close()

        second = run(connect(parse(path), 10), make_room())[0]
        first.close()
        second.close()


PACKET = encode([(b"HTTP_HOST", b"example.com"), (b"PATH_INFO", b"/")], 5, 7)


@pytest.mark.parametrize("cut", range(1, len(PACKET)))
def test_a_packet_is_received_in_any_two_pieces(cut: int, pair: Pair) -> None:
    async def speak() -> None:
        pair[1].send(PACKET[:cut])
        await sleep(0)
        pair[1].send(PACKET[cut:] + b"body")

    async def hear() -> tuple[Any, bytes]:
        packet, rest = await receive_packet(pair[0], 4096, 10)
        while len(rest) < 4:
            rest += await receive(pair[0], timeout=10)
        return packet, rest

    (packet, rest), _ = run(hear(), speak())
    assert (packet.modifier1, packet.modifier2, packet.block) == (5, 7, PACKET[4:])
    assert rest == b"body"


def test_a_packet_that_ends_early_is_an_error(pair: Pair) -> None:
    pair[1].send(PACKET[:-1])
    pair[1].shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError):
        run(receive_packet(pair[0], 4096, 10))


def test_the_resolver_does_not_stop_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = threading.Event()

    def slow(*args: object, **more: object) -> list[object]:
        turns.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def turn() -> None:
        await sleep(0.01)
        turns.set()

    async def ask() -> bool:
        try:
            await connect(parse("slow.invalid:80"), 10)
        except socket.gaierror:
            return turns.is_set()
        return False

    assert run(ask(), turn())[0] is True
