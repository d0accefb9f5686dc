"""The way to a node: what is tried again, what is for another node, and what is the end."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi import gateway_reach
from refuwsgi.gateway_reach import (
    NOT_CONNECTED,
    NOT_SENT,
    NodeError,
    Unreached,
    attempt,
    begun_with,
    reach,
)
from tests.unit.eventually import run

Result = tuple[socket.SocketType, int]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the node is."""
    return str(tmp_path / "node")


@pytest.fixture
def crowded(path: str) -> Iterator[socket.socket]:
    """A node whose queue is full."""
    with socket.socket(socket.AF_UNIX) as node, socket.socket(socket.AF_UNIX) as first:
        node.bind(path)
        node.listen(0)
        first.connect(path)
        yield node


def reached(family: int, name: gateway_reach.Name, patience: float = 5.0) -> Result:
    """Reach a node."""
    found: list[Result] = run(reach(family, (name,), [b"hello"], -1, patience))
    return found[0]


def test_a_node_that_is_there_gets_the_bytes(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as node:
        node.bind(path)
        node.listen()
        sock, sent = reached(socket.AF_UNIX, path)
        client, _ = node.accept()
        with client:
            assert (sent, client.recv(10)) == (5, b"hello")
        sock.close()


def test_nobody_is_there(path: str) -> None:
    with pytest.raises(Unreached, match="No such file") as caught:
        reached(socket.AF_UNIX, path)
    assert not caught.value.busy


def test_a_port_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        name = free.getsockname()
    with pytest.raises(Unreached, match="refused"):
        reached(socket.AF_INET, name)


@pytest.mark.usefixtures("crowded")
def test_a_full_queue_is_busy_in_the_end(path: str) -> None:
    with pytest.raises(Unreached) as caught:
        reached(socket.AF_UNIX, path, patience=0.05)
    assert caught.value.busy


def test_a_full_queue_is_asked_again(crowded: socket.socket, path: str) -> None:
    async def make_room() -> None:
        crowded.accept()[0].close()

    (sock, sent), _ = run(reach(socket.AF_UNIX, (path,), [b"hello"], -1, 5.0), make_room())
    sock.close()
    assert sent == 5


def test_no_address_is_no_node() -> None:
    with pytest.raises(Unreached, match="no address"):
        run(reach(socket.AF_UNIX, (), [b""], -1, 1.0))


def test_an_attempt_says_why_it_failed(path: str) -> None:
    sock, sent, error = attempt(socket.AF_UNIX, path, [b"x"])
    sock.close()
    assert (sent, error) == (NOT_CONNECTED, errno.ENOENT)


def test_the_error_that_ended_an_attempt_is_kept() -> None:
    with socket.socket() as sock:
        begun = sock, NOT_CONNECTED, 0
        epipe = OSError(errno.EPIPE, "gone")
        assert begun_with(*begun, epipe) == (sock, NOT_SENT, errno.EPIPE)
        assert begun_with(*begun, OSError("of no number")) == (sock, NOT_SENT, errno.EIO)
        assert begun_with(*begun, ValueError("no error of the kernel's")) == begun
        full = OSError(errno.ENOSPC, "nobody can wait for it")
        assert begun_with(sock, 7, errno.EINPROGRESS, full) == (sock, 7, 0)
    assert begun_with(None, NOT_CONNECTED, 0, epipe) is None


def test_a_node_that_breaks_off_is_not_for_another_to_try() -> None:
    assert isinstance(gateway_reach._failed(gateway_reach.TAKEN[0]), NodeError)
    assert isinstance(gateway_reach._failed(113), Unreached)


def test_a_name_that_is_none_leaves_no_socket_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        attempt(socket.AF_UNIX, "x" * 200, [b"x"])
    assert len(list(Path("/proc/self/fd").iterdir())) == before
