"""A body that goes to disk: through a pipe, or by a copy where that cannot be."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from refuwsgi import gateway_stores
from refuwsgi.fastrouter.post_buffering import PIPED, PostBuffering
from refuwsgi.gateway_rules import Failure
from refuwsgi.gateway_stores import File, Pipe
from refuwsgi.loop import Loop

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def kept(client: socket.socket, size: int, first: bytes) -> bytes | None:
    """What is in the file when all has come; None when the client has left."""
    found: list[bytes | None] = []

    async def keep() -> None:
        body = await PostBuffering(10).keep(client, size, first, 20)
        if body is None:
            found.append(None)
            return
        assert isinstance(body.store, File)
        found.append(os.pread(body.store._descriptor, size + 1, 0))
        body.release()

    problems: list[BaseException] = []

    async def run() -> None:
        try:
            await keep()
        except Failure as problem:
            problems.append(problem)

    loop = Loop()
    loop.spawn(run())
    loop.run()
    loop.close()
    if problems:
        raise problems[0]
    return found[0]


def saved(pipe: Pipe, file: int) -> None:
    raise OSError(errno.EINVAL, "no pipes here")


@pytest.mark.parametrize("how", ["a pipe", "a file system without", "no pipe to be had"])
@pytest.mark.parametrize("size", [PIPED - 1, PIPED + 5, 2 * PIPED + 5])
def test_every_byte_comes_into_the_file(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch, size: int, how: str
) -> None:
    if how == "a file system without":
        monkeypatch.setattr(Pipe, "save", saved)
    elif how == "no pipe to be had":
        monkeypatch.setattr(gateway_stores.pipes, "_most", 0)
    body = os.urandom(size)
    sockets[1].sendall(body[5:] + b"the next request")
    assert kept(sockets[0], size, body[:5]) == body
    assert sockets[0].recv(100) == b"the next request"
    assert gateway_stores.pipes._out == 0


@pytest.mark.parametrize("sent", [0, 100, PIPED])
def test_a_client_that_leaves_has_kept_nothing(sockets: Sockets, sent: int) -> None:
    sockets[1].sendall(bytes(sent))
    sockets[1].close()
    assert kept(sockets[0], 2 * PIPED, b"") is None
    assert gateway_stores.pipes._out == 0


def test_a_file_that_takes_no_more_is_a_failure(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(pipe: Pipe, file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Pipe, "save", full)
    sockets[1].sendall(bytes(2 * PIPED))
    with pytest.raises(Failure, match="the body cannot be kept: No space left on device"):
        kept(sockets[0], 2 * PIPED, b"")
    assert gateway_stores.pipes._out == 0
