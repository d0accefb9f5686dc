import functools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.protocol.subscription import (
    LIMIT,
    Announcement,
    encode,
    hash_of,
    parse,
    signed_with,
)


def datagram(*pairs: tuple[bytes, bytes], command: int = 0) -> bytes:
    block = b"".join(struct.pack("<H", len(text)) + text for pair in pairs for text in pair)
    return struct.pack("<BHB", 224, len(block), command) + block


KEY = (b"key", b"example.com")
ADDRESS = (b"address", b"127.0.0.1:3031")


def test_what_is_encoded_is_read_back() -> None:
    said = Announcement(
        b"example.com", b"127.0.0.1:3031", modifier1=5, modifier2=6, cores=4, load=2, weight=3,
        backup=1, algorithm=b"lrc", protocol=b"http", notify=b"/tmp/n", unix=9,
    )  # fmt: skip
    assert parse(encode(said)) == said


def test_the_packet_of_uwsgi_is_made_to_the_byte() -> None:
    made = encode(Announcement(b"example.com", b"127.0.0.1:33661", cores=1, weight=0))
    assert made[:4] == b"\xe0\x66\x00\x00"
    assert made[4:].startswith(b"\x03\x00key\x0b\x00example.com\x07\x00address\x0f\x00127.0.0.1")
    assert made.endswith(b"\x05\x00cores\x01\x001\x04\x00load\x01\x000\x06\x00weight\x01\x000")


def test_a_withdrawal_differs_in_the_last_byte_of_the_header() -> None:
    said = parse(encode(Announcement(b"k", b"a", withdraws=True)))
    assert said is not None
    assert said.withdraws
    seven = parse(datagram(KEY, ADDRESS, command=7))
    assert seven is not None
    assert seven.withdraws


@pytest.mark.parametrize(
    "pairs",
    [
        [KEY],
        [ADDRESS],
        [KEY, (b"address", b"")],
        [(b"key", b""), ADDRESS],
        [(b"key", b"k" * 256), ADDRESS],
        [KEY, (b"address", b"a" * 256)],
    ],
)
def test_a_datagram_without_a_key_or_an_address_says_nothing(
    pairs: list[tuple[bytes, bytes]],
) -> None:
    assert parse(datagram(*pairs)) is None


def test_the_longest_key_and_address_are_taken() -> None:
    assert parse(datagram((b"key", b"k" * 255), (b"address", b"a" * 255))) is not None


def test_pairs_before_a_broken_one_count() -> None:
    whole = datagram(KEY, ADDRESS, (b"modifier1", b"55"))
    said = parse(whole[:-1])
    assert said is not None
    assert said.modifier1 == 0


def test_the_order_is_free_and_unknown_names_are_passed_over() -> None:
    said = parse(datagram((b"what", b"ever"), ADDRESS, KEY))
    assert said is not None
    assert said.key == b"example.com"


@pytest.mark.parametrize(
    ("text", "number"), [(b"256", 0), (b"5", 5), (b"", 0), (b"x", 0), (b"-1", 0), (b"5\r", 0)]
)
def test_modifiers_have_eight_bits(text: bytes, number: int) -> None:
    said = parse(datagram(KEY, ADDRESS, (b"modifier1", text)))
    assert said is not None
    assert said.modifier1 == number


def test_a_weight_of_zero_counts_as_one() -> None:
    said = parse(datagram(KEY, ADDRESS, (b"weight", b"0")))
    assert said is not None
    assert said.weight == 1


def test_numbers_have_a_limit() -> None:
    said = parse(datagram(KEY, ADDRESS, (b"cores", b"9" * 12), (b"load", b"9" * 4000)))
    assert said is not None
    assert said.cores == 10**12 - 1
    assert said.load == 0
    said = parse(datagram(KEY, ADDRESS, (b"cores", b"1" * 13)))
    assert said is not None
    assert said.cores == 0


def test_a_signature_covers_what_stands_before_it() -> None:
    plain = encode(Announcement(b"k", b"a", unix=7))
    said = parse(signed_with(plain, b"SIGNATURE"))
    assert said is not None
    assert (said.sign, said.signed, said.unix) == (b"SIGNATURE", plain[4:], 7)
    assert not said.withdraws
    leaving = parse(signed_with(encode(Announcement(b"k", b"a", withdraws=True)), b"S"))
    assert leaving is not None
    assert leaving.withdraws


def test_what_comes_behind_a_signature_is_not_read() -> None:
    said = parse(datagram(KEY, ADDRESS, (b"sign", b"s"), (b"address", b"evil")))
    assert said is not None
    assert said.address == ADDRESS[1]


def test_keys_are_filed_under_the_hash_of_uwsgi() -> None:
    assert hash_of(b"") == 5381
    assert hash_of(b"a") == (5381 * 33 ^ ord("a")) % 65535


@given(st.binary(max_size=200))
def test_no_datagram_makes_it_stumble(data: bytes) -> None:
    parse(data)


@given(st.integers(0, 120))
def test_a_cut_datagram_is_none_or_less(cut: int) -> None:
    whole = encode(Announcement(b"example.com", b"127.0.0.1:1", modifier1=3))
    said = parse(whole[:cut])
    assert said is None or said.key == b"example.com"


def test_what_is_not_said_has_a_default() -> None:
    said = Announcement(b"k", b"a")
    assert said[2:6] == (False, 0, 0, 0)
    assert said[6:13] == (0, 1, 0, b"", b"", b"", 0)
    assert said[13:] == (b"", b"", ())
    assert parse(datagram(KEY, ADDRESS)) == Announcement(KEY[1], ADDRESS[1])


@pytest.mark.parametrize("name", ["modifier1", "modifier2"])
def test_of_a_modifier_the_low_byte_counts(name: str) -> None:
    said = parse(datagram(KEY, ADDRESS, (name.encode(), b"511")))
    assert said is not None
    assert getattr(said, name) == 255


def test_an_empty_value_at_the_very_end_is_one() -> None:
    said = parse(datagram(KEY, ADDRESS, (b"sign", b"")))
    assert said is not None
    assert said.signed == datagram(KEY, ADDRESS)[4:]


def test_as_much_of_a_datagram_is_read_as_by_uwsgi() -> None:
    assert LIMIT == 4096


def test_a_size_has_two_bytes() -> None:
    said = parse(datagram((b"what", b"x" * 0x123), KEY, ADDRESS))
    assert said is not None
    assert said.address == ADDRESS[1]


def test_what_a_tls_router_needs_is_sent() -> None:
    plain, more = Announcement(b"k", b"a"), (b"sni_key", b"/k.pem")
    assert encode(plain._replace(sni=(more,)))[4:] == encode(plain)[4:] + datagram(more)[4:]


def test_the_hash_of_a_long_key_stays_in_32_bits() -> None:
    key = bytes(range(256))
    whole = functools.reduce(lambda value, byte: (value * 33 ^ byte) % 2**32, key, 5381)
    assert hash_of(key) == whole % 65535
