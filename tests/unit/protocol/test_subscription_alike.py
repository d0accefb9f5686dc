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
