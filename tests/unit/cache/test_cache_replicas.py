"""Caches that tell each other."""

import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.address import parse
from refuwsgi.cache.replicas import Nodes, attach, take_in, told, understood
from refuwsgi.cache.store import Cache
from tests.unit.cache.test_cache import PLAIN, cache
from tests.unit.eventually import LIMIT

SET = b"o\x18\x00\n\x03\x00key\x05\x00value\n\x001795987545"  # as uWSGI sends it
DELETED = b"o\x05\x00\x0b\x03\x00key"


def test_what_uwsgi_tells_is_understood() -> None:
    made = Cache("c", PLAIN, clock=lambda: 1000.0)
    assert take_in(made, SET)
    item = made.look_up(b"key")
    assert item is not None
    assert (item.value, item.expires) == (b"value", 1795987545)
    assert take_in(made, DELETED)
    assert made.look_up(b"key") is None
    assert told(10, b"key", b"value", b"1795987545") == SET
    assert told(11, b"key") == DELETED


@pytest.mark.parametrize(
    "data",
    [b"", b"o", SET[:-1], SET + b"x", b"x" + SET[1:], told(12, b"k"), told(10, b"k", b"v"),
     told(11, b"k", b"v"), told(10, b"k", b"v", b"-1"), told(10, b"k", b"v", b"1" * 20),
     b"o\x01\x00\n\x01"],
)  # fmt: skip
def test_what_is_strange_is_ignored(data: bytes) -> None:
    made = cache()
    assert not take_in(made, data)
    assert len(made) == 0


@given(st.binary(max_size=60))
def test_any_datagram_may_come(data: bytes) -> None:
    take_in(cache(), b"o" + data)


@given(st.integers(0, 255), st.lists(st.binary(max_size=20), max_size=4))
def test_what_is_told_is_understood(what: int, strings: list[bytes]) -> None:
    assert understood(told(what, *strings)) == (what, strings)


def test_nodes_are_told() -> None:
    made = cache()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.ExitStack() as stack, udp as node:
        node.bind(("127.0.0.1", 0))
        node.settimeout(LIMIT)
        names = [parse(f"127.0.0.1:{node.getsockname()[1]}"), parse("127.0.0.1:1")]
        made.nodes = stack.enter_context(contextlib.closing(Nodes(names)))
        made.set(b"k", b"v", 10)
        assert node.recv(100) == told(10, b"k", b"v", b"1010")
        assert not made.set(b"k", b"v")
        made.reckon(b"n", lambda number: number + 3)
        assert node.recv(100) == told(10, b"n", b"\x03" + bytes(7), b"0")
        made.delete(b"k")
        assert node.recv(100) == told(11, b"k")
        made.absorb(b"other", b"x", 0)  # what was told is not told again
        made.delete(b"n")
        assert node.recv(100) == told(11, b"n")


def test_a_cache_listens_where_it_shall() -> None:
    made = cache()
    attach(made, {"udp": "127.0.0.1:0"}, bind=True)
    (sock,) = made.servers
    with sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(SET, sock.getsockname())
        sock.settimeout(LIMIT)
        assert sock.recv(100) == SET
        with pytest.raises(ValueError, match="in use"):
            attach(cache(), {"udp": f"127.0.0.1:{sock.getsockname()[1]}"}, bind=True)
    attach(made, {"udp": "127.0.0.1:0"}, bind=False)


def test_an_address_must_be_one() -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        attach(cache(), {"nodes": "/a/path"}, bind=True)
