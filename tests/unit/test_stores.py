"""Stores: bytes between two sockets, in memory, in a file, in a pipe."""

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import gateway_stores
from refuwsgi.gateway_buffer import CHUNK, buffer
from refuwsgi.gateway_stores import IDLE, SIZE, File, Memory, Pipe, Pipes, Store, come, rest_of

TEXT = os.urandom(100_000)


class Ends:
    """A peer, and our end of its connection."""

    def __init__(self, ours: socket.socket, peer: socket.socket) -> None:
        self.ours, self.peer = ours, peer
        self.peer.settimeout(20)

    def heard(self, size: int) -> bytes:
        """What the peer gets, while we send nothing more."""
        found = b""
        while len(found) < size:
            part = self.peer.recv(size - len(found))
            assert part, "the end came early"
            found += part
        return found


def over_tcp() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname(), 20)
        return listener.accept()[0], peer


@pytest.fixture(params=[socket.socketpair, over_tcp], ids=["unix", "tcp"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    made = Ends(*request.param())
    with made.ours, made.peer:
        yield made


@pytest.fixture
def other() -> Iterator[Ends]:
    made = Ends(*socket.socketpair())
    with made.ours, made.peer:
        yield made


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made._forget()


def borrowed(pipes: Pipes) -> Pipe:
    pipe = pipes.borrow()
    assert pipe is not None
    return pipe


def filled(pipes: Pipes, data: bytes) -> Pipe:
    pipe = borrowed(pipes)
    pipe.put(data)
    assert pipe.left == len(data)
    return pipe


def all_given(store: Store, ends: Ends) -> bytes:
    """Send all of a store; what the peer gets."""
    size, heard = store.left, b""
    while store.left:
        gone = store.give(ends.ours)
        assert gone > 0
        heard += ends.heard(gone)
    assert len(heard) == size
    return heard


@pytest.fixture(params=["memory", "file", "pipe"])
def store(request: pytest.FixtureRequest, tmp_path: Path, pipes: Pipes) -> Iterator[Store]:
    """One of each kind, with the same bytes."""
    path = tmp_path / "body"
    path.write_bytes(TEXT)
    with path.open("rb") as file:
        if request.param == "memory":
            yield Memory(TEXT)
        elif request.param == "file":
            yield File(file.fileno(), len(TEXT))
        else:
            yield filled(pipes, TEXT)


def test_a_store_gives_all_that_it_has(store: Store, ends: Ends) -> None:
    ends.ours.setblocking(False)
    assert all_given(store, ends) == TEXT
    store.release()
    store.release()


def test_a_store_waits_for_a_peer_that_does_not_read(store: Store, ends: Ends) -> None:
    ends.ours.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            ends.ours.send(bytes(65536))
    with contextlib.suppress(BlockingIOError):  # TCP finds some room now and then
        while True:
            store.give(ends.ours)
    assert 0 < store.left <= len(TEXT)
    store.keep()
    ends.peer.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        while ends.peer.recv(1 << 20):
            pass
    ends.peer.settimeout(20)
    left = store.left
    assert all_given(store, ends) == TEXT[len(TEXT) - left :]


def test_what_is_kept_does_not_change_with_the_buffer(ends: Ends) -> None:
    buffer[:5] = b"12345"
    store = Memory(buffer[:5])
    store.keep()
    buffer[:5] = b"xxxxx"
    assert all_given(store, ends) == b"12345"


def test_a_pipe_takes_what_has_come(ends: Ends, other: Ends, pipes: Pipes) -> None:
    pipe = borrowed(pipes)
    with pytest.raises(BlockingIOError):
        pipe.take(ends.ours, CHUNK)
    ends.peer.sendall(TEXT[:1000])
    assert pipe.take(ends.ours, 600) == 600
    assert pipe.take(ends.ours, CHUNK) == 400
    assert all_given(pipe, other) == TEXT[:1000]
    ends.peer.close()
    assert pipe.take(ends.ours, CHUNK) == 0
    assert pipe.left == 0


def test_a_pipe_is_full_of_pieces(ends: Ends, pipes: Pipes) -> None:
    pipe = borrowed(pipes)
    memory = memoryview(bytearray(SIZE))
    sent = b""
    with contextlib.suppress(BlockingIOError):
        while len(sent) < 1000:
            sent += bytes([len(sent) % 251])
            ends.peer.sendall(sent[-1:])
            pipe.take(ends.ours, CHUNK)
    assert 0 < pipe.left < len(sent) < 1000
    held = pipe.left
    assert pipe.pour(memory) == held
    assert memory[:held] == sent[:held]
    assert pipe.left == 0


def test_an_empty_pipe_is_used_again(pipes: Pipes) -> None:
    first = borrowed(pipes)
    ends = first._ends
    first.release()
    first.release()
    assert borrowed(pipes)._ends == ends


def test_what_is_left_in_a_pipe_is_for_nobody_else(ends: Ends, pipes: Pipes) -> None:
    first = filled(pipes, b"of one client")
    first.release()
    second = filled(pipes, b"of another")
    assert all_given(second, ends) == b"of another"


def test_only_so_many_pipes_are_borrowed_and_fewer_kept(pipes: Pipes) -> None:
    before = len(os.listdir("/proc/self/fd"))
    few = Pipes(most=IDLE + 2)
    out = [borrowed(few) for _ in range(IDLE + 2)]
    assert few.borrow() is None
    for pipe in out:
        pipe.release()
    assert len(os.listdir("/proc/self/fd")) == before + 2 * IDLE
    few._forget()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_child_has_pipes_of_its_own(ends: Ends, pipes: Pipes) -> None:
    filled(pipes, b"").release()
    child = os.fork()
    if not child:
        os._exit(len(pipes._idle))
    assert os.waitpid(child, 0)[1] == 0
    assert len(pipes._idle) == 1


def test_without_descriptors_there_is_no_pipe(pipes: Pipes) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        assert pipes.borrow() is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert pipes.borrow() is not None


def test_without_memory_for_a_pipe_the_error_is_told(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(_: int) -> tuple[int, int]:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(os, "pipe2", no_memory)
    with pytest.raises(OSError, match="Cannot allocate"):
        pipes.borrow()


def test_a_pipe_that_is_not_to_be_large_is_none(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(gateway_stores, "fcntl", refused)
    assert pipes.borrow() is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_comes_is_in_memory_where_it_is_to_be_read(ends: Ends) -> None:
    ends.peer.sendall(b"hello")
    came = come(ends.ours, CHUNK, unread=False)
    assert isinstance(came, Memory)
    assert bytes(came.data) == b"hello"
    with pytest.raises(BlockingIOError):
        come(ends.ours, CHUNK, unread=False)


def test_what_comes_is_in_a_pipe_where_nobody_reads_it(ends: Ends, other: Ends) -> None:
    with pytest.raises(BlockingIOError):
        come(ends.ours, CHUNK, unread=True)
    ends.peer.sendall(b"hello")
    came = come(ends.ours, CHUNK, unread=True)
    assert isinstance(came, Pipe)
    assert all_given(came, other) == b"hello"
    came.release()
    ends.peer.close()
    came = come(ends.ours, CHUNK, unread=True)
    assert came.left == 0
    came.release()


def test_what_comes_is_in_memory_where_there_is_no_pipe(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_stores, "pipes", Pipes(most=0))
    ends.peer.sendall(b"hello")
    assert isinstance(come(ends.ours, CHUNK, unread=True), Memory)


@pytest.mark.parametrize(
    ("sent", "left"), [(0, [b"abc", b"de"]), (2, [b"c", b"de"]), (3, [b"de"]), (4, [b"e"]), (5, [])]
)
def test_what_is_left_of_several_pieces(sent: int, left: list[bytes]) -> None:
    rest = rest_of((b"abc", memoryview(b"de")), sent)
    assert [bytes(store.data) for store in rest if isinstance(store, Memory)] == left
