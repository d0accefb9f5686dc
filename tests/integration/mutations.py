"""Requests as nobody should send them: good ones, changed at random, the same every time."""

import random
from collections.abc import Callable, Iterator

from tests.conformance.harness import packet, request, request_vars

POST = {"Content-Type": "text/plain"}.items()
CHUNKED = [("Transfer-Encoding", "chunked")]
HTTP = (
    request("/"),
    request("/a/b%20c?x=1&y=%00", headers=[("Cookie", "a=b; c=d"), ("X-Long", "y" * 300)]),
    request("/", "POST", POST, b"a body of some bytes"),
    request("/", "POST", CHUNKED) + b"5\r\nhello\r\n3;ext=1\r\nyou\r\n0\r\n\r\n",
    request("/", "HEAD", [("Range", "bytes=0-10"), ("Connection", "keep-alive")]),
    request("/one") + request("/two", headers=[("Connection", "close")]),
    request("http://example.com/absolute?q", "GET", [("Expect", "100-continue")]),
    request("*", "OPTIONS", version="HTTP/1.0"),
)
UWSGI = (
    packet(request_vars("/")),
    packet(request_vars("/a/b?x=1", HTTP_COOKIE="a=b", HTTP_X_LONG="y" * 300)),
    packet(request_vars("/", "POST", CONTENT_LENGTH="20")) + b"a body of some bytes",
    packet(request_vars("/"), 5, 1),
    packet({}),
    packet(b"", 100),
    packet(request_vars("/", UWSGI_SCRIPT="os", UWSGI_FILE="/etc/passwd", SCRIPT_NAME="/a")),
)
TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b",",
        b"%",
        b"%00",
        b"/../",
        b"\xff",
        b"\x85",
    ),
    *(b"Host: other\r\n", b" folded\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"HTTP/9.9"),
    *(b"Content-Length: %s\r\n" % value for value in (b"5", b"-1", b"+5", b"9" * 20)),
    *(b"Transfer-Encoding: %s\r\n" % value for value in (b"chunked", b"gzip, chunked", b"x")),
    *(b"Content_Length: 7\r\n", b"Connection: Upgrade\r\n", b"\xff\xff\xff\xff", b"\0\0\0\0"),
)
Change = Callable[[random.Random, bytes], bytes]


def flip(dice: random.Random, data: bytes) -> bytes:
    """Change a byte."""
    at = dice.randrange(len(data))
    return data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]


def drop(dice: random.Random, data: bytes) -> bytes:
    """Leave something out."""
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.randrange(1, 20) :]


def double(dice: random.Random, data: bytes) -> bytes:
    """Say something twice."""
    at = dice.randrange(len(data))
    return data[: at + dice.randrange(1, 40)] + data[at:]


def insert(dice: random.Random, data: bytes) -> bytes:
    """Put something in between."""
    at = dice.randrange(len(data))
    return data[:at] + dice.choice(TOKENS) + data[at:]


def insert_line(dice: random.Random, data: bytes) -> bytes:
    """Put something at the beginning of a line."""
    lines = data.split(b"\r\n")
    lines[dice.randrange(len(lines))] = dice.choice(TOKENS) + dice.choice(lines)
    return b"\r\n".join(lines)


def cut(dice: random.Random, data: bytes) -> bytes:
    """Break off."""
    return data[: dice.randrange(len(data))]


def noise(dice: random.Random, data: bytes) -> bytes:
    """Put any bytes in between."""
    at = dice.randrange(len(data))
    return data[:at] + dice.randbytes(dice.randrange(1, 60)) + data[at:]


CHANGES: tuple[Change, ...] = (flip, flip, drop, double, insert, insert, insert_line, cut, noise)


def mutated(seeds: tuple[bytes, ...], count: int, seed: int) -> Iterator[list[bytes]]:
    """Requests, each in the pieces in which it is to be sent."""
    dice = random.Random(seed)
    for _ in range(count):
        data = dice.choice(seeds)
        for _ in range(dice.choice((1, 1, 2, 4))):
            data = dice.choice(CHANGES)(dice, data) or b"\0"
        at = dice.randrange(len(data)) if dice.random() < 0.3 else 0
        yield [piece for piece in (data[:at], data[at:]) if piece]
