"""The packet: whole, in pieces, and full of lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.options import Setting, build
from refuwsgi.protocol import uwsgi
from refuwsgi.protocol.uwsgi import HEADER, PacketError, encode, size_of

KEYS = st.binary(min_size=1, max_size=40)
VARS = st.dictionaries(KEYS, st.binary(max_size=200), max_size=30)
EXAMPLE = b"\x03\x00KEY\x05\x00value\x01\x00A\x00\x00"


@given(VARS, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=20))
def test_what_was_encoded_is_read_back_and_the_tail_is_kept(
    found: dict[bytes, bytes], modifier1: int, modifier2: int, tail: bytes
) -> None:
    packet = uwsgi.encode(found.items(), modifier1, modifier2)
    got = uwsgi.split(packet + tail)
    assert got is not None
    assert got[0][:2] == (modifier1, modifier2)
    assert got[1] == tail
    assert uwsgi.vars_of(got[0].block) == found
    as_text = {key.decode("latin-1"): value.decode("latin-1") for key, value in found.items()}
    assert uwsgi.environ_of(got[0].block) == as_text


def test_a_packet_is_incomplete_until_its_last_byte() -> None:
    packet = uwsgi.encode([(b"KEY", b"value")])
    assert [uwsgi.split(packet[:size]) for size in range(len(packet))] == [None] * len(packet)
    assert uwsgi.split(packet) == ((0, 0, packet[4:]), b"")


@given(st.binary(max_size=300))
def test_both_readers_agree_on_any_bytes(block: bytes) -> None:
    def outcome(read: object) -> object:
        assert callable(read)
        try:
            return read(block)
        except PacketError:
            return None

    slow, fast = outcome(uwsgi.vars_of), outcome(uwsgi.environ_of)
    if isinstance(slow, dict):
        slow = {key.decode("latin-1"): value.decode("latin-1") for key, value in slow.items()}
    assert slow == fast


@pytest.mark.parametrize(
    "block",
    [
        EXAMPLE[:-1],  # a size cut in half
        EXAMPLE[:5],  # a key without a value
        EXAMPLE + b"\x00",  # a stray byte
        b"\x00\x00\x01\x00x",  # an empty key
        b"\xff\xffKEY\x00\x00",  # a size that runs past the block
        b"\x03\x00KEY\xff\xffx",
    ],
)
def test_a_size_that_lies_is_an_error(block: bytes) -> None:
    with pytest.raises(PacketError):
        uwsgi.vars_of(block)
    with pytest.raises(PacketError):
        uwsgi.environ_of(block)


def test_sizes_have_two_bytes() -> None:
    for size in (255, 256, 0x1234):
        key, value = "k" * size, "v" * (size + 1)
        block = uwsgi.encode([(key.encode(), value.encode()), (b"A", b"")])[4:]
        assert uwsgi.environ_of(block) == {key: value, "A": ""}


def test_of_two_vars_with_one_key_the_later_counts() -> None:
    block = uwsgi.encode([(b"A", b"1"), (b"A", b"2")])[4:]
    assert uwsgi.environ_of(block) == {"A": "2"}
    assert uwsgi.vars_of(block) == {b"A": b"2"}


def test_a_block_above_the_limit_is_refused_by_its_header_alone() -> None:
    with pytest.raises(PacketError):
        uwsgi.split(b"\x00\x01\x10\x00", limit=4096)
    assert uwsgi.split(b"\x00\x00\x10\x00" + b"x" * 4096, limit=4096) is not None


def test_the_longest_block_is_encoded() -> None:
    packet = uwsgi.encode([(b"A", b"x" * 65530)])
    assert packet[:4] == b"\x00\xff\xff\x00"
    assert uwsgi.split(packet) is not None
    with pytest.raises(PacketError):
        uwsgi.encode([(b"A", b"x" * 65531)])


def test_modifiers_are_those_of_uwsgi() -> None:
    assert (uwsgi.PING, uwsgi.SUBSCRIBE) == (100, 224)


def test_what_does_not_fit_is_not_encoded() -> None:
    with pytest.raises(PacketError):
        uwsgi.encode([(b"A", b"x" * 65536)])
    with pytest.raises(PacketError):
        uwsgi.encode([(b"A", b"x" * 40000), (b"B", b"x" * 40000)])


def test_a_buffer_size_that_no_packet_can_have_is_cut() -> None:
    config = build([Setting("buffer-size", "100000", "test")], [uwsgi.BUFFER_SIZE])
    assert uwsgi.buffer_size(config) == 65535
    assert len(config.warnings) == 1
    largest = build([Setting("buffer-size", "65535", "test")], [uwsgi.BUFFER_SIZE])
    assert uwsgi.buffer_size(largest) == 65535
    assert not largest.warnings
    assert uwsgi.buffer_size(build([], [])) == 4096


def test_the_size_of_a_packet_is_known_without_making_it() -> None:
    environ = {"REQUEST_METHOD": "GET", "A": "", "QUERY_STRING": "\xe9=1"}
    pairs = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in environ.items()]
    assert size_of(environ) == len(encode(pairs)) - HEADER.size
    assert size_of({"A": 12, "B": "x"}) == size_of({"A": "12", "B": "x"})
