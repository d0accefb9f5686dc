"""Notes of packets that resemble each other are what reading all of them gives."""

from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.fastrouter.notes import asked_of
from refuwsgi.fastrouter.notes_alike import AlikeNotes
from refuwsgi.gateway_rules import Asked
from refuwsgi.protocol.uwsgi import PacketError, encode

NAMES = [
    b"QUERY_STRING", b"UWSGI_FASTROUTER_KEY", b"HTTP_HOST", b"SERVER_NAME", b"CONTENT_LENGTH",
    b"REMOTE_ADDR", b"REMOTE_PORT", b"HTTP_UPGRADE", b"HTTP_TRANSFER_ENCODING", b"PATH_INFO", b"X",
]  # fmt: skip
VALUES = [b"", b"a", b"b", b"17", b"x" * 256, b"1" * 20]

Pairs = list[tuple[bytes, bytes]]


def block_of(pairs: Pairs) -> bytes:
    return encode(pairs)[4:]


def read(reader: AlikeNotes, block: bytes) -> Asked | str:
    try:
        return reader.asked_of(block)
    except PacketError as problem:
        return str(problem)


def read_whole(block: bytes) -> Asked | str:
    try:
        return asked_of(block)
    except PacketError as problem:
        return str(problem)


def sent_by_a_web_server(number: int) -> bytes:
    host = b"host%d" % (number % 3)
    return block_of(
        [(b"QUERY_STRING", b"n=%d" % number), (b"HTTP_HOST", host), (b"SERVER_NAME", b"s"),
         (b"CONTENT_LENGTH", b"" if number % 2 else b"5"), (b"REMOTE_PORT", b"%d" % number)]
    )  # fmt: skip


@given(
    shapes=st.lists(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), min_size=1, max_size=2
    ),
    values=st.lists(st.lists(st.sampled_from(VALUES), min_size=6, max_size=6), max_size=60),
)
def test_what_is_read_is_the_same(shapes: list[list[bytes]], values: list[list[bytes]]) -> None:
    reader = AlikeNotes()
    for turn, row in enumerate(values):
        names = shapes[turn % len(shapes)]
        block = block_of(list(zip(names, row, strict=False)))
        assert read(reader, block) == read_whole(block)


@given(st.integers(0, 200), st.integers(0, 255), st.sampled_from(["cut", "change", "add"]))
def test_so_are_the_mistakes(place: int, byte: int, how: str) -> None:
    reader = AlikeNotes()
    for number in range(40):
        reader.asked_of(sent_by_a_web_server(number))
    block = sent_by_a_web_server(7)
    place %= len(block)
    if how == "cut":
        block = block[:place]
    elif how == "change":
        block = block[:place] + bytes([byte]) + block[place + 1 :]
    else:
        block += bytes([byte])
    assert read(reader, block) == read_whole(block)


def test_packets_of_one_web_server_are_not_read_as_a_whole() -> None:
    reader = AlikeNotes()
    for number in range(1000):
        block = sent_by_a_web_server(number)
        assert reader.asked_of(block) == asked_of(block)
    assert reader.unlike_ones < 50
