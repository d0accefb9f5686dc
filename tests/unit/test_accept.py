"""Streams: accept, with and without descriptors to spare."""

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from refuwsgi import streams
from refuwsgi.address import Address
from refuwsgi.loop import sleep
from refuwsgi.streams import accept, connect
from tests.unit.eventually import run


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_accept_gives_sockets_that_do_not_block(listener: socket.socket) -> None:
    async def knock() -> socket.socket:
        return await connect(Address("tcp", host="127.0.0.1", port=port_of(listener)), 10)

    (client, peer), there = run(accept(listener), knock())
    with client, there:
        assert peer == there.getsockname()
        assert client.getblocking() is False
        assert client.get_inheritable() is False


class Listener:
    """A listener whose accept fails as told, and then works."""

    def __init__(self, sock: socket.socket, *failures: int) -> None:
        self.fileno = sock.fileno
        self._sock = sock
        self._failures = list(failures)
        self.calls = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.calls += 1
        if self._failures:
            failure = self._failures.pop(0)
            raise OSError(failure, os.strerror(failure))
        return self._sock.accept()


@pytest.mark.parametrize("failure", [errno.EMFILE, errno.ENFILE])
def test_without_descriptors_accept_pauses(
    failure: int,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(streams, "sleep", pause)
    door = Listener(listener, failure, failure, failure)
    with socket.create_connection(listener.getsockname()):
        client, _ = run(accept(door))[0]  # type: ignore[arg-type]
        client.close()
    assert pauses == [streams.PAUSE] * 3
    assert door.calls == 4
    assert capfd.readouterr().err.count("accept(): ") == 1


def test_accept_runs_out_of_real_descriptors_and_recovers(listener: socket.socket) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []

    async def free() -> None:
        await sleep(0.05)
        for fd in held:
            os.close(fd)

    with socket.create_connection(listener.getsockname()):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
        try:
            task = accept(listener)
            from refuwsgi.loop import Loop

            loop = Loop()
            try:
                while True:
                    held.append(os.dup(0))
            except OSError:
                pass
            (client, _), _ = run(task, free(), loop=loop)
            client.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_client_that_went_before_its_turn_is_passed_over(listener: socket.socket) -> None:
    door = Listener(listener, errno.ECONNABORTED, errno.EAGAIN)
    with socket.create_connection(listener.getsockname()):
        run(accept(door))[0][0].close()  # type: ignore[arg-type]
    assert door.calls == 3


def test_a_broken_listener_is_an_error(listener: socket.socket) -> None:
    with pytest.raises(OSError, match="Invalid"):
        run(accept(Listener(listener, errno.EINVAL)))  # type: ignore[arg-type]
