"""Bad packets at a uwsgi socket: the connection ends, the server goes on."""

import struct

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    ask,
    block,
    covers,
    exchange,
    packet,
    request,
    request_vars,
)

GOOD = block(request_vars("/hello").items())


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(
        """
        socket = 127.0.0.1:PORT
        master = true
        threads = 2
        socket-timeout = 3
        module = case_app
        """
    )


BAD = {
    "HTTP": ("SC-310", request("/hello")),
    "too large": ("SC-311", packet(block([("X", "a" * 5000)]) + GOOD)),
    "empty": ("SC-312", packet(b"")),
    "key runs over the end": ("SC-313", packet(struct.pack("<H", 255) + b"abc")),
    "value runs over the end": ("SC-313", packet(block([("A", "b")])[:-2] + b"\xff\x00b")),
    "half a length": ("SC-313", packet(GOOD + b"\x01")),
    "key without value": ("SC-313", packet(GOOD + b"\x01\x00A")),
    "cut head": ("SC-314", b"\x00\x10"),
    "cut block": ("SC-314", packet(GOOD)[:-5]),
    "unknown modifier": ("SC-315", packet(GOOD, 9)),
    "empty key": ("OF-182", packet(block([("", "x")]) + GOOD)),
}


@covers("SC-310", "SC-311", "SC-312", "SC-313", "SC-314", "SC-315", "OF-182")
@pytest.mark.parametrize(("row", "data"), list(BAD.values()), ids=list(BAD))
def test_a_bad_packet_ends_its_connection(site: Subject, row: str, data: bytes) -> None:
    answer = exchange(site.port, data)
    if row != "OF-182":  # a null key may just be skipped
        assert answer.raw == b"", answer
    assert ask(site.port, "/hello").text == "hello"


@covers("OF-183")
@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", packet(GOOD)[:9], b""])
def test_a_client_that_hangs_up_is_ignored(site: Subject, data: bytes) -> None:
    with Client(site.port, data):
        pass
    assert ask(site.port, "/hello").text == "hello"


@covers("SC-310", "SC-315")
@pytest.mark.parametrize(
    ("data", "line"),
    [
        (request("/hello"), r"invalid request block size: 21573 \(max 4096\)"),
        (packet(GOOD, 9), r"-- unavailable modifier requested: 9 --"),
    ],
)
def test_the_log_says_what_came(site: Subject, data: bytes, line: str) -> None:
    exchange(site.port, data)
    site.wait_for(line)


@covers("OF-182")
def test_a_packet_in_single_bytes_is_served(site: Subject) -> None:
    with Client(site.port) as client:
        for byte in packet(GOOD):
            client.send(bytes([byte]))
        assert client.rest().text == "hello"


@covers("SC-313")
def test_the_server_survived_it_all(site: Subject) -> None:
    assert ask(site.port, "/hello").text == "hello"
    assert "Respawned" not in site.log
