import pytest

from refuwsgi.protocol.http import HeadError
from refuwsgi.scaling.http_proxy_protocol import may_begin, split


def test_a_line_says_who_the_client_is() -> None:
    line = b"PROXY TCP4 9.8.7.6 127.0.0.1 4711 80\r\n"
    found = split(line + b"GET / HTTP/1.1\r\n")
    assert found == ("9.8.7.6", "4711", len(line))


def test_ipv6() -> None:
    found = split(b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n")
    assert found is not None
    assert found.address == "2001:db8::1"


def test_a_balancer_that_does_not_say() -> None:
    assert split(b"PROXY UNKNOWN\r\nGET") == ("", "", 15)


@pytest.mark.parametrize("data", [b"PR", b"PROXY TCP4 9.8.7.6 127.", b"GET / HTTP/1.1\r\n"])
def test_none_yet_or_none_at_all(data: bytes) -> None:
    assert split(data) is None


def test_what_may_become_one() -> None:
    assert may_begin(b"PRO")
    assert may_begin(b"PROXY TCP4 1")
    assert not may_begin(b"GET /")


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY TCP4 9.8.7.6\r\n",
        b"PROXY TCP4 nobody 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 9.8.7.6 127.0.0.1 x 2\r\n",
        b"PROXY TCP4 9.8.7.6 127.0.0.1 99999 2\r\n",
        b"PROXY TCP5 9.8.7.6 127.0.0.1 1 2\r\n",
        b"PROXY " + b"x" * 200,
    ],
)
def test_a_broken_line(data: bytes) -> None:
    with pytest.raises(HeadError):
        split(data)
