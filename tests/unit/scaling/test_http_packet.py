import pytest

from refuwsgi.protocol.http import parse_head
from refuwsgi.protocol.uwsgi import environ_of
from refuwsgi.scaling.http_packet import Packets, TooLarge, packet

FIXED = [("SERVER_NAME", "here"), ("UWSGI_ROUTER", "http")]


def block_of(head: bytes, packets: Packets, port: str = "4711") -> bytes:
    return packets.block(parse_head(head, len(head)).environ, "127.0.0.1", port)


def test_the_vars_stand_in_the_order_of_uwsgi() -> None:
    head = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-One: 1\r\n\r\n"
    found = environ_of(block_of(head, Packets(FIXED, [("COLOUR", "blue")])))
    assert list(found) == [
        *("REQUEST_METHOD", "REQUEST_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL"),
        *("SCRIPT_NAME", "SERVER_NAME", "UWSGI_ROUTER", "REMOTE_ADDR", "REMOTE_PORT"),
        *("HTTP_HOST", "HTTP_X_ONE", "COLOUR"),
    ]
    assert found["PATH_INFO"] == "/a b"
    assert found["REMOTE_PORT"] == "4711"
    assert found["SCRIPT_NAME"] == ""


@pytest.mark.parametrize("size", [0, 1, 255, 256, 511, 512, 513, 40000])
def test_values_of_every_size_arrive(size: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-One: " + b"v" * size + b"\r\n\r\n"
    assert environ_of(block_of(head, Packets(FIXED)))["HTTP_X_ONE"] == "v" * size


def test_bytes_pass_as_they_are() -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-One: \xe9\xff\r\n\r\n"
    assert b"\xe9\xff" in block_of(head, Packets(FIXED))


def test_a_client_without_a_port() -> None:
    found = environ_of(block_of(b"GET / HTTP/1.0\r\n\r\n", Packets(FIXED), port=""))
    assert "REMOTE_PORT" not in found


def test_the_host_may_be_the_name() -> None:
    packets = Packets([("UWSGI_ROUTER", "http")], name_is_host="here")
    head = b"GET / HTTP/1.1\r\nHost: x:81\r\n\r\n"
    assert environ_of(block_of(head, packets))["SERVER_NAME"] == "x:81"
    assert environ_of(block_of(b"GET / HTTP/1.0\r\n\r\n", packets))["SERVER_NAME"] == "here"


def test_what_a_node_does_not_take_is_refused_before_it_is_asked() -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-One: " + b"v" * 5000 + b"\r\n\r\n"
    with pytest.raises(TooLarge) as caught:
        block_of(head, Packets(FIXED, limit=4096))
    assert caught.value.status.startswith("431 ")


def test_the_header_of_a_packet() -> None:
    assert packet(b"abc", 7, 3) == b"\x07\x03\x00\x03abc"
