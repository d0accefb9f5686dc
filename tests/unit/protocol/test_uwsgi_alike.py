"""Packets that resemble each other: whatever came before, each is read as if it were the first."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.protocol.uwsgi import PacketError, encode, environ_of
from refuwsgi.protocol.uwsgi_alike import AlikeReader

FEW_KEYS = st.sampled_from([b"A", b"BB", b"CCC"])
FEW_VALUES = st.sampled_from([b"", b"x", b"longer", b"\xff\x00", b"\x01\x00A"])
PAIRS = st.lists(st.tuples(FEW_KEYS, FEW_VALUES), max_size=4)
BROKEN = st.tuples(PAIRS, st.integers(0, 40), st.integers(0, 255))


def block_of(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return encode(pairs)[4:]


def bent(pairs: list[tuple[bytes, bytes]], place: int, value: int) -> bytes:
    block = bytearray(block_of(pairs))
    if place < len(block):
        block[place] = value
    return bytes(block)


def read(block: bytes) -> list[tuple[str, str]] | str:
    try:
        return list(environ_of(block).items())
    except PacketError as problem:
        return str(problem)


@given(st.lists(BROKEN, min_size=1, max_size=12))
def test_each_packet_is_read_as_if_it_were_the_first(
    packets: list[tuple[list[tuple[bytes, bytes]], int, int]],
) -> None:
    reader = AlikeReader()
    for pairs, place, value in packets:
        for block in (block_of(pairs), bent(pairs, place, value)):
            try:
                found: list[tuple[str, str]] | str = list(reader.environ_of(block).items())
            except PacketError as problem:
                found = str(problem)
            assert found == read(block)


def request(query: bytes, port: bytes, agent: bytes = b"curl") -> bytes:
    return block_of(
        [
            (b"REQUEST_METHOD", b"GET"),
            (b"QUERY_STRING", query),
            (b"SERVER_NAME", b"localhost"),
            (b"REMOTE_PORT", port),
            (b"HTTP_USER_AGENT", agent),
        ]
    )


def test_what_is_read_belongs_to_the_caller() -> None:
    reader = AlikeReader()
    for _ in range(4):
        found = reader.environ_of(request(b"q=1", b"4711"))
        found["QUERY_STRING"] = found["MORE"] = "spoilt"
    assert reader.environ_of(request(b"q=1", b"4711")) == environ_of(request(b"q=1", b"4711"))


def test_the_whole_is_read_only_when_something_new_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[bytes] = []

    def counted(block: bytes) -> dict[str, str]:
        whole.append(block)
        return environ_of(block)

    monkeypatch.setattr("refuwsgi.protocol.uwsgi_alike.environ_of", counted)
    reader = AlikeReader()
    for number in range(50):
        query, port = b"q=%d" % (number * 7919), b"%d" % (40000 + number)
        assert reader.environ_of(request(query, port))["REMOTE_PORT"] == port.decode()
    assert len(whole) == 3  # the first, its like, and one from which the values change
    reader.environ_of(request(b"q=1", b"1", agent=b"another"))
    assert len(whole) == 4
    reader.environ_of(request(b"q=2", b"22", agent=b"a third"))
    reader.environ_of(request(b"q" * 300, b"22"))
    assert len(whole) == 4


def test_a_stranger_between_them_does_not_make_it_forget() -> None:
    reader = AlikeReader()
    for number in range(4):
        reader.environ_of(request(b"q=%d" % number, b"80"))
    plan = reader._plan
    assert reader.environ_of(block_of([(b"A", b"1")])) == {"A": "1"}
    assert reader._plan is plan
    assert reader.environ_of(block_of([(b"A", b"2")])) == {"A": "2"}
    assert reader._plan is not plan


def test_long_values_that_change_are_read() -> None:
    reader = AlikeReader()
    for size in (1, 2, 3, 300, 0x1234):
        block = request(b"q" * size, b"80")
        assert reader.environ_of(block) == environ_of(block)


def test_a_byte_that_never_changed_before_is_seen() -> None:
    reader = AlikeReader()
    for number in range(4):
        reader.environ_of(request(b"q=%d" % number, b"80"))
    odd = request(b"q=4", b"80", agent=b"CURL")
    assert reader.environ_of(odd) == environ_of(odd)


def test_of_a_key_that_comes_twice_the_later_value_counts() -> None:
    reader = AlikeReader()
    for one, two in (b"12", b"12", b"13", b"73"):
        block = block_of([(b"A", bytes([one])), (b"A", bytes([two]))])
        assert reader.environ_of(block) == {"A": chr(two)}


def test_what_came_first_of_all_is_checked() -> None:
    with pytest.raises(PacketError):
        AlikeReader().environ_of(b"\xff")
