"""What a failure shows of the traffic."""

from tests.conformance.harness import wire
from tests.conformance.harness.packet import packet


def test_a_packet_is_decoded_and_dumped() -> None:
    wire.clear()
    wire.sent("1.2.3.4:5", packet({"A": "b"}, 5, 1))
    shown = wire.text()
    assert "-> 1.2.3.4:5 (10 bytes)" in shown
    assert "uwsgi packet: modifiers 5, 1; 1 vars: A=b" in shown
    assert "000000  05 06 00 01 01 00 41 01 00 62                    ......A..b" in shown


def test_pieces_that_follow_each_other_are_one() -> None:
    wire.clear()
    wire.received("peer", b"HTTP/1.1 200 OK\r\n")
    wire.received("peer", b"\r\n")
    wire.received("peer", b"")
    wire.sent("peer", b"x")
    assert [line for line in wire.text().splitlines() if "peer" in line] == [
        "<- peer (19 bytes)",
        "<- peer (closed)",
        "-> peer (1 bytes)",
    ]


def test_of_much_the_beginning_is_shown() -> None:
    wire.clear()
    wire.received("peer", b"x" * 1_000_000)
    assert "... and 999744 bytes more" in wire.text()
    assert len(wire.text()) < 2000


def test_bytes_that_are_no_packet_are_none() -> None:
    assert wire.packet_in(b"GET / HTTP/1.1\r\n\r\n") == ""
    assert wire.packet_in(b"\0\0") == ""
    assert wire.packet_in(b"\0\3\0\0\1\0a") == ""
    assert wire.packet_in(b"\0\3\0\0\xff\0a") == ""
