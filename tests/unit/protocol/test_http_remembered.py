"""Lines and names of heads that come again are remembered: how many, how long, and no secrets."""

from __future__ import annotations

from refuwsgi.protocol import http
from refuwsgi.protocol.http import Head


def get(headers: bytes) -> Head:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n"
    return http.parse_head(head, http.head_end(head))


def test_what_is_remembered_is_bounded() -> None:
    lines, names = set(), set()
    for number in range(3000):
        get(b"X-%d: %d\r\n" % (number, number))
        lines.add(len(http._lines))
        names.add(len(http._names))
    assert max(lines) == max(names) == 1024


def test_what_is_long_is_not_remembered() -> None:
    name = "X" * 64
    get(f"{name}: 1\r\n{name}Y: 1\r\n".encode())
    assert http._names[name]
    assert name + "Y" not in http._names
    line = "X: " + "1" * 253
    get(f"{line}\r\n{line}2\r\n".encode())
    assert http._lines[line]
    assert line + "2" not in http._lines
    assert get(f"{line}\r\n".encode()).environ["HTTP_X"] == line[3:]


def test_secrets_are_not_remembered() -> None:
    get(b"Cookie: secret=1\r\nAuthorization: Basic secret\r\nProxy-Authorization: secret\r\n")
    assert not [line for line in http._lines if "secret" in line]
