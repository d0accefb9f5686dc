"""Addresses: texts that name sockets."""

import pytest

from refuwsgi.address import Address, parse

READ = [
    ("127.0.0.1:3031", Address("tcp", host="127.0.0.1", port=3031)),
    (":3031", Address("tcp", port=3031)),
    (": 5000", Address("tcp", port=5000)),
    ("localhost:80", Address("tcp", host="localhost", port=80)),
    ("[::1]:80", Address("tcp", host="::1", port=80)),
    ("127.0.0.1:0", Address("tcp", host="127.0.0.1")),
    ("/run/app.sock", Address("unix", path="/run/app.sock")),
    ("app.sock", Address("unix", path="app.sock")),
    ("9123", Address("unix", path="9123")),
    ("unix:/run/a", Address("unix", path="/run/a")),
    ("/run/a:80", Address("unix", path="/run/a:80")),
    ("@name", Address("abstract", path="name")),
    ("\\0name", Address("abstract", path="name")),
    ("=0", Address("shared")),
    ("=12", Address("shared", number=12)),
    ("fd://3", Address("fd", number=3)),
]


@pytest.mark.parametrize(("text", "address"), READ)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(f" {text}\n") == address


@pytest.mark.parametrize("address", [address for _, address in READ])
def test_what_is_written_is_read_back(address: Address) -> None:
    assert parse(address.text()) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("a\0b", "NUL"),
        ("127.0.0.1:", "number of a port"),
        ("127.0.0.1:http", "number of a port"),
        ("127.0.0.1:-1", "number of a port"),
        ("127.0.0.1:+1", "number of a port"),
        ("127.0.0.1:1_0", "number of a port"),
        ("127.0.0.1:65536", "no port 65536"),
        ("127.0.0.1:99999999999", "number of a port"),
        ("::1:80", "brackets"),
        ("[name]:80", "brackets"),
        ("a b:80", "no host"),
        ("@", "without a name"),
        ("unix:", "without a name"),
        ("=x", "shared socket"),
        ("=", "shared socket"),
        ("fd://", "descriptor"),
        ("fd://9999999999", "no descriptor"),
        ("/" + "x" * 107, "more than 107 bytes"),
        ("@" + "\u00e9" * 54, "more than 107 bytes"),
    ],
)
def test_what_is_no_address_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)
