"""What an offload thread does for a client, in a loop without a thread."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from refuwsgi import address
from refuwsgi.loop import Loop
from refuwsgi.offloading.engines import (
    ChainEngine,
    Client,
    Engine,
    FileEngine,
    MemoryEngine,
    PipeEngine,
    RelayEngine,
)
from tests.unit.offloading.stand import PATIENCE, descriptors, read_all

BIG = bytes(range(256)) * 20000  # 5 MB: more than any socket holds


def answer_of(engine: Engine, talk: Callable[[socket.socket], bytes] = read_all) -> bytes:
    """Run an engine to its end, and talk to it meanwhile; its error is ours."""
    near, far = socket.socketpair()
    failures: list[OSError] = []

    async def run(client: Client) -> None:
        try:
            await engine.run(client)
        except OSError as problem:
            failures.append(problem)
        finally:
            engine.close()
            client.close()

    far.setblocking(False)
    loop = Loop()
    loop.spawn(run(Client(far.detach())))
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    with near:
        near.settimeout(PATIENCE)
        found = talk(near)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    loop.close()
    if failures:
        raise failures[0]
    return found


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    return path


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


def test_bytes_arrive_whole() -> None:
    assert answer_of(MemoryEngine(BIG)) == BIG


def test_a_file_arrives_behind_its_head(big: Path) -> None:
    before = descriptors()
    assert answer_of(FileEngine(opened(big), 0, len(BIG), b"head\r\n")) == b"head\r\n" + BIG
    assert descriptors() == before


def test_a_part_of_a_file_has_exactly_its_length(big: Path) -> None:
    assert answer_of(FileEngine(opened(big), 2, 3)) == BIG[2:5]
    assert answer_of(FileEngine(opened(big), 100, 3000000)) == BIG[100:3000100]


def test_a_file_that_grew_is_not_sent_beyond_its_length(big: Path) -> None:
    engine = FileEngine(opened(big), 0, len(BIG))
    with big.open("ab") as file:
        file.write(b"more" * 100000)
    assert answer_of(engine) == BIG


def test_a_file_that_shrank_is_a_failure(big: Path) -> None:
    engine = FileEngine(opened(big), 0, len(BIG))
    os.truncate(big, 1000)
    with pytest.raises(ConnectionAbortedError, match="the file became 5119000 bytes shorter"):
        answer_of(engine)


def test_a_client_that_goes_is_a_failure(big: Path) -> None:
    for engine in (FileEngine(opened(big), 0, len(BIG)), MemoryEngine(BIG)):
        before = descriptors()
        with pytest.raises(OSError):
            answer_of(engine, lambda client: client.recv(10))
        assert descriptors() <= before


def test_a_pipe_is_passed_on_until_it_ends() -> None:
    out, into = os.pipe()

    def write() -> None:
        with open(into, "wb", buffering=0) as file:
            for at in range(0, 1000000, 50000):
                file.write(BIG[at : at + 50000])

    writer = threading.Thread(target=write)
    writer.start()
    assert answer_of(PipeEngine(out)) == BIG[:1000000]
    writer.join(PATIENCE)


def test_a_pipe_is_left_when_the_value_is_over() -> None:
    out, into = os.pipe()
    os.write(into, b"value\r\nEND\r\n")
    assert answer_of(PipeEngine(out, 5)) == b"value"
    os.close(into)


def test_a_pipe_that_ends_early_is_a_failure() -> None:
    out, into = os.pipe()
    os.write(into, b"val")
    os.close(into)
    with pytest.raises(ConnectionAbortedError, match="the source ended 2 bytes early"):
        answer_of(PipeEngine(out, 5))


def test_a_chain_does_one_after_the_other(big: Path) -> None:
    out, into = os.pipe()
    os.write(into, b"tail")
    chain = ChainEngine(
        MemoryEngine(b"head"), FileEngine(opened(big), 0, len(BIG)), PipeEngine(out, 4)
    )
    assert answer_of(chain) == b"head" + BIG + b"tail"
    os.close(into)


def test_a_task_that_never_runs_releases_what_it_holds(big: Path) -> None:
    before = descriptors()
    out, into = os.pipe()
    os.close(into)
    near, far = socket.socketpair()
    with far:
        file, relay = FileEngine(opened(big), 0, 5), RelayEngine(near, b"x")
        chain = ChainEngine(file, PipeEngine(out), relay, MemoryEngine(b""))
        chain.close()
        chain.close()
    assert descriptors() == before


class Node:
    """A server that talks to one client and is gone."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = address.parse(f"127.0.0.1:{self._listener.getsockname()[1]}")
        self._talk = talk
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._listener:
            client, _ = self._listener.accept()
        with client:
            client.settimeout(PATIENCE)
            self._talk(client)

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def test_a_relay_carries_both_directions() -> None:
    heard: list[bytes] = []

    def node(client: socket.socket) -> None:
        heard.append(read_all(client))
        client.sendall(BIG)

    def talk(client: socket.socket) -> bytes:
        client.sendall(BIG[:300000])
        client.shutdown(socket.SHUT_WR)
        return read_all(client)

    server = Node(node)
    assert answer_of(RelayEngine(server.address, b"first"), talk) == BIG
    server.join()
    assert heard == [b"first" + BIG[:300000]]


def test_an_answer_comes_while_the_client_still_sends() -> None:
    def node(client: socket.socket) -> None:
        assert client.recv(5) == b"first"
        client.sendall(b"early")
        assert client.recv(4) == b"late"

    def talk(client: socket.socket) -> bytes:
        assert client.recv(5) == b"early"
        client.sendall(b"late")
        return read_all(client)

    server = Node(node)
    assert answer_of(RelayEngine(server.address, b"first"), talk) == b""
    server.join()


def test_a_node_that_refuses_is_a_bad_gateway() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = answer_of(RelayEngine(address.parse(f"127.0.0.1:{port}"), b"first"))
    assert found.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert found.endswith(b"\r\n\r\nBad Gateway\n")


def test_a_node_that_hangs_up_without_a_word_is_a_bad_gateway() -> None:
    server = Node(lambda client: None)
    assert answer_of(RelayEngine(server.address, b"")).startswith(b"HTTP/1.1 502 ")
    server.join()


def test_a_node_that_is_silent_for_too_long_is_a_gateway_timeout() -> None:
    release = threading.Event()

    def hold(client: socket.socket) -> None:
        release.wait(PATIENCE)

    server = Node(hold)
    found = answer_of(RelayEngine(server.address, b"first", timeout=0.2, protocol="HTTP/1.0"))
    assert found.startswith(b"HTTP/1.0 504 Gateway Timeout\r\n")
    release.set()
    server.join()
