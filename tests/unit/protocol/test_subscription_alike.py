"""What a reader knows by heart must never change what a datagram means."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refuwsgi.protocol import subscription_alike
from refuwsgi.protocol.subscription import Announcement, encode, parse, signed_with
from refuwsgi.protocol.subscription_alike import AlikeAnnouncements

NOW = 1_700_000_000


def datagram(*pairs: tuple[bytes, bytes], withdraws: bool = False) -> bytes:
    block = b"".join(len(text).to_bytes(2, "little") + text for pair in pairs for text in pair)
    return bytes([224, *len(block).to_bytes(2, "little"), withdraws]) + block


KEY, ADDRESS, UNIX = (b"key", b"a.example.com"), (b"address", b"127.0.0.1:80"), (b"unix", b"1" * 10)
LOAD = (b"load", b"7")
PLAIN = encode(Announcement(b"example.com", b"10.0.0.1:3031", cores=4, unix=NOW))


def test_another_node_is_read_with_the_help_of_the_first() -> None:
    reader = AlikeAnnouncements()
    for number in range(3):
        said = Announcement(
            b"%d.com" % number, b"10.0.0.%d:80" % number, cores=4, unix=NOW + number
        )
        assert reader.parse(encode(said)) == said
    leaves = said._replace(withdraws=True)
    assert reader.parse(encode(leaves)) == leaves
    busy = said._replace(load=3, weight=2, backup=1, algorithm=b"lrc", notify=b"/n")
    assert reader.parse(encode(busy)) == busy


@pytest.mark.parametrize(
    "odd",
    [
        datagram(KEY, ADDRESS, LOAD, UNIX, (b"sign", b"x" * 64)),
        signed_with(PLAIN, b"s" * 64),
        datagram(KEY, ADDRESS, KEY, LOAD, UNIX),
        datagram(KEY, ADDRESS, LOAD, (b"key", b"other"), UNIX),
        datagram(KEY, ADDRESS, LOAD, (b"address", b"other"), UNIX),
        datagram(KEY, ADDRESS, (b"sign", b""), LOAD, UNIX),
        datagram(KEY, ADDRESS, UNIX, LOAD, (b"unix", b"2" * 10)),
        datagram(KEY, ADDRESS, (b"", b""), LOAD, UNIX),
        datagram(KEY, ADDRESS, LOAD, (b"unix", b"12345abcde")),
        datagram(KEY, ADDRESS, LOAD, (b"unix", b"1" * 9), (b"proto", b"uwsgi")),
        datagram(ADDRESS, KEY, LOAD, UNIX, (b"proto", b"uwsgi")),
        datagram((b"key", b""), ADDRESS, LOAD, UNIX, (b"proto", b"uwsgi")),
        datagram((b"key", b"k" * 256), ADDRESS, LOAD, UNIX),
        datagram(KEY, (b"address", b""), LOAD, UNIX, (b"proto", b"uwsgi")),
        datagram(KEY, (b"address", b"a" * 256), LOAD, UNIX),
        datagram(KEY, ADDRESS, (b"notify", b"n" * 600), UNIX),
        datagram(KEY, (b"address", b"127.0.0.1:80" * 8)),
        datagram((b"key", b"k" * 80)),
    ],
)
def test_a_datagram_of_another_form_means_what_it_says(odd: bytes) -> None:
    reader = AlikeAnnouncements()
    reader.parse(PLAIN)
    for _ in range(3):
        assert reader.parse(odd) == parse(odd)
    assert reader.parse(PLAIN) == parse(PLAIN)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(PLAIN)), st.binary(max_size=6), st.integers(0, 6))
def test_a_spoilt_datagram_is_read_as_it_always_was(at: int, put: bytes, dropped: int) -> None:
    reader = AlikeAnnouncements()
    reader.parse(PLAIN)
    spoilt = PLAIN[:at] + put + PLAIN[at + dropped :]
    assert reader.parse(spoilt) == parse(spoilt)
    assert reader.parse(spoilt) == parse(spoilt)


def test_what_is_known_by_heart_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_alike, "MOST", 4)
    reader = AlikeAnnouncements()
    for load in range(20):
        said = Announcement(b"example.com", b"10.0.0.1:80", load=load, unix=NOW)
        assert reader.parse(encode(said)) == said
        assert len(reader._known) <= 4


def test_so_have_the_nodes_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_alike, "MOST_NODES", 4)
    reader = AlikeAnnouncements()
    sizes = []
    for number in range(6):
        for key in (b"a.com", b"b.com"):
            said = Announcement(key, b"10.0.0.%d:80" % number, unix=NOW)
            assert reader.parse(encode(said)) == said
        sizes.append(len(reader._nodes))
    assert sizes == [1, 2, 3, 4, 1, 2]


@pytest.fixture
def read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The datagrams that were not read with the help of others, and the samples."""
    asked: list[bytes] = []

    def asks(datagram: bytes) -> Announcement | None:
        asked.append(datagram)
        return parse(datagram)

    monkeypatch.setattr(subscription_alike, "parse", asks)
    return asked


MORE = (b"notify", b"/run/notify")
SHORT = datagram((b"key", b"abc.org"), (b"address", b"10.1.1.1"), LOAD, UNIX)


@pytest.mark.parametrize(
    "alike",
    [
        PLAIN,
        SHORT,
        *(datagram((b"key", b"k" * size), ADDRESS, MORE, UNIX) for size in (1, 2, 15, 16, 255)),
        *(datagram(KEY, (b"address", b"a" * size), MORE, UNIX) for size in (1, 2, 17, 255)),
        datagram(KEY, ADDRESS, (b"note", b"n" * 496), UNIX),
    ],
)
def test_what_is_known_by_heart_is_not_read_again(
    alike: bytes, read_as_a_whole: list[bytes]
) -> None:
    reader = AlikeAnnouncements()
    said = reader.parse(alike)
    assert len(read_as_a_whole) == 1  # a sample, of which the pairs in the middle are learnt
    assert reader.parse(alike) == said == parse(alike)
    assert len(read_as_a_whole) == 1


def test_the_shortest_one_that_is_looked_at_has_the_size_that_is_told() -> None:
    assert len(SHORT) == subscription_alike.SHORTEST


def test_sizes_have_two_bytes() -> None:
    reader = AlikeAnnouncements()
    reader.parse(PLAIN)
    for key, address in ((b"k" * 257, b"a"), (b"k", b"a" * 257)):
        odd = datagram((b"key", key), (b"address", address), LOAD, UNIX)
        assert parse(odd) is None
        assert reader.parse(odd) is None


@pytest.mark.parametrize("empty", [((b"key", b""), ADDRESS), (KEY, (b"address", b""))])
def test_who_has_no_name_or_no_place_is_nobody(empty: tuple[tuple[bytes, bytes], ...]) -> None:
    reader = AlikeAnnouncements()
    odd = datagram(*empty, MORE, (b"weight", b"123456789"), UNIX)
    for _ in range(2):
        assert parse(odd) is None
        assert reader.parse(odd) is None


@pytest.mark.parametrize(
    "middle",
    [
        ((b"other", b"\xff"), UNIX, (b"n", b"")),
        ((b"unix", b"%d" % subscription_alike.SAMPLE_TIME), (b"note", b"2" * 10)),
        (
            (b"unix", b"%d" % subscription_alike.SAMPLE_TIME),
            (b"note", subscription_alike.TIME + b"2" * 10),
        ),
        (
            (b"unix", b"0%d" % subscription_alike.SAMPLE_TIME),
            (b"note", subscription_alike.TIME + b"2" * 10),
        ),
        ((b"note", b"n" * 497), UNIX),
    ],
)
def test_what_is_not_so_simple_is_always_read_as_a_whole(
    middle: tuple[tuple[bytes, bytes], ...], read_as_a_whole: list[bytes]
) -> None:
    reader = AlikeAnnouncements()
    odd = datagram(KEY, ADDRESS, *middle)
    for _ in range(3):
        assert reader.parse(odd) == parse(odd)
    assert read_as_a_whole == [odd] * 3


def test_pairs_that_are_broken_are_tried_once(read_as_a_whole: list[bytes]) -> None:
    reader = AlikeAnnouncements()
    odd = datagram(KEY, ADDRESS) + b"\xff\xff" + subscription_alike.TIME + b"1" * 10
    for _ in range(3):
        assert reader.parse(odd) == parse(odd)
    assert [each == odd for each in read_as_a_whole] == [False, True, True, True]


def test_what_only_resembles_the_form_is_read_as_a_whole() -> None:
    reader = AlikeAnnouncements()
    reader.parse(datagram(KEY, ADDRESS, LOAD, UNIX))
    other = datagram(KEY, (b"Address", b"127.0.0.1:80"), LOAD, UNIX)
    assert parse(other) is None
    assert reader.parse(other) is None
    ends_early = datagram((b"key", b"k" * 80), (b"address", b""))[:-2]
    assert reader.parse(ends_early) is None


def test_what_is_known_by_heart_is_forgotten_when_it_is_too_much() -> None:
    reader = AlikeAnnouncements()
    for load in range(256):
        reader.parse(datagram(KEY, ADDRESS, (b"load", b"%d" % load), UNIX))
    assert len(reader._known) == 256
    reader.parse(datagram(KEY, ADDRESS, (b"load", b"256"), UNIX))
    assert len(reader._known) == 1


def test_what_is_too_long_is_not_remembered() -> None:
    reader = AlikeAnnouncements()
    reader.parse(datagram(KEY, ADDRESS, (b"note", b"n" * 497), UNIX))
    assert not reader._known
    reader.parse(datagram(KEY, ADDRESS, (b"note", b"n" * 496), UNIX))
    assert len(reader._known) == 1
