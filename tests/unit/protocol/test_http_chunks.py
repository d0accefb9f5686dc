"""Chunked bodies, in all pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.protocol.http_chunks import SIZE_LINE, TRAILERS, ChunkDecoder, ChunkError


def decoded(text: bytes, step: int = 0) -> tuple[bytes, bool, bytes]:
    decoder = ChunkDecoder()
    step = step or len(text)
    body = b"".join(
        decoder.feed(text[place : place + step]) for place in range(0, len(text), step or 1)
    )
    return body, decoder.done, decoder.rest


BODY = b'5\r\nhello\r\n1;name=value\r\n \r\nA; q="x;y"\r\n0123456789\r\n0\r\nX-A: 1\r\n\r\n'


def test_a_body_is_decoded_whole_and_byte_by_byte() -> None:
    for step in (0, 1, 2, 3, 7):
        assert decoded(BODY, step) == (b"hello 0123456789", True, b"")


def test_what_follows_the_body_is_kept() -> None:
    assert decoded(BODY + b"GET / HTTP/1.1\r\n") == (
        b"hello 0123456789",
        True,
        b"GET / HTTP/1.1\r\n",
    )


def test_a_body_is_not_done_before_its_last_byte() -> None:
    assert not any(decoded(BODY[:size])[1] for size in range(len(BODY)))


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 9))
def test_what_was_sent_in_chunks_arrives(pieces: list[bytes], step: int) -> None:
    text = b"".join(b"%X\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert decoded(text, step) == (b"".join(pieces), True, b"")


@pytest.mark.parametrize(
    "text",
    [
        b"0x5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"5_0\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"\r\nhello\r\n",
        b";a=b\r\nhello\r\n",
        b"g\r\nhello\r\n",
        b"5\nhello\r\n",
        b"5;a\nb\r\nhello\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5\r\nhello!\r\n",
        b"5\r\nhelloX",
        b"5\r\nhello\n0\r\n\r\n",
        b"11111111111111111\r\n",
        b"0\r\nX-A : 1\r\n\r\n",
        b"0\r\nX-A\r\n\r\n",
        b"0\r\n: 1\r\n\r\n",
        b"5x;a\r\nhello\r\n",
        b"0\r\nX-A: \x00\r\n\r\n",
        b"5;" + b"a" * SIZE_LINE + b"\r\nhello\r\n",
        b"5" * SIZE_LINE + b"55",
        b"0\r\n" + b"X: 1\r\n" * TRAILERS,
        b"0\r\nX: " + b"1" * TRAILERS,
    ],
)
def test_broken_chunks_are_refused(text: bytes) -> None:
    for step in (0, 1):
        with pytest.raises(ChunkError):
            decoded(text, step)


@given(st.binary(max_size=100), st.integers(1, 9))
def test_any_bytes_are_chunks_or_an_error(text: bytes, step: int) -> None:
    try:
        decoded(text, step)
    except ChunkError:
        pass


@pytest.mark.parametrize("name", [b"Host", b"content-length", b"Transfer-Encoding"])
def test_a_trailer_does_not_say_where_a_request_ends(name: bytes) -> None:
    with pytest.raises(ChunkError):
        decoded(b"1\r\nx\r\n0\r\n" + name + b": 1\r\n\r\n", 0)


LIMITS = [
    b"0" * 15 + b"5\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"a" * 4094 + b"\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX: " + b"1" * 8187 + b"\r\n\r\n",
    b"5\r\nhello\r\n0\r\n" + b"X-Max:1\r\n" * 910 + b"\r\n",
]


@pytest.mark.parametrize("text", LIMITS, ids=range(4))
def test_what_is_within_the_limits_is_taken(text: bytes) -> None:
    assert decoded(text) == (b"hello", True, b"")
    assert decoded(text, 512) == (b"hello", True, b"")


@pytest.mark.parametrize(
    "text",
    [
        b"5;" + b"a" * 4095 + b"\r\n",
        b"5;" + b"a" * 4095,
        b"0\r\nX: " + b"1" * 8188 + b"\r\n",
        b"0\r\n" + b"X-Max:1\r\n" * 911,
        b"0\r\n" + b"X-Max:1\r\n" * 910 + b"X-M",
        b"0\r\nX: " + b"1" * 8190,
    ],
    ids=range(6),
)
def test_what_is_just_beyond_is_refused(text: bytes) -> None:
    with pytest.raises(ChunkError):
        decoded(text)


def test_what_may_still_be_within_the_limits_is_waited_for() -> None:
    assert not decoded(b"5;" + b"a" * 4093 + b"\r")[1]
    assert not decoded(b"0\r\nX: " + b"1" * 8189)[1]


@pytest.mark.parametrize("text", [b"5\n", b"5;a\n", b"1\r\nx\rX", b"1\r\nx\r\r"])
def test_a_line_that_can_no_longer_end_well_is_refused_at_once(text: bytes) -> None:
    for step in (0, 1):
        with pytest.raises(ChunkError):
            decoded(text, step)


def test_blanks_before_a_semicolon_are_taken() -> None:
    for text in (b"5 ;a\r\nhello\r\n0\r\n\r\n", b"5\t ;\r\nhello\r\n0 ;\r\n\r\n"):
        assert decoded(text) == (b"hello", True, b"")


def test_limits_answer_with_their_status() -> None:
    for text in (b"0\r\nX: " + b"1" * 9000, b"0\r\nX: " + b"1" * 9000 + b"\r\n"):
        with pytest.raises(ChunkError) as caught:
            decoded(text)
        assert caught.value.status[:3] == "431"


def test_a_step_ends_with_a_line_or_with_the_data_of_a_chunk() -> None:
    decoder = ChunkDecoder()
    assert decoder.step(b"5\r\nhe", 0) == 3
    assert decoder.step(b"5\r", 0) == 2
    decoder.feed(b"5\r\nhe")
    assert decoder.step(b"lloX", 0) == 3
    assert decoder.step(b"..llo", 2) == 5
    assert decoder.step(b"l", 0) == 1
    assert not decoder.between
    decoder.feed(b"llo")
    assert decoder.between
    assert decoder.step(b"\r\n0\r\n", 0) == 2
    assert decoder.rest == b""
