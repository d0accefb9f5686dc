import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.protocol import http_alike
from refuwsgi.protocol.http import HeadError, parse_head, read_head
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


TARGETS = st.sampled_from(["/", "/a?b=c", "/%41/../b?d#e", "/?" + "q" * 600, "/" + "p" * 505, "/é"])
VALUES = st.sampled_from([None, "", "a=b", "é", "c" * 511, "d" * 512, "e" * 1000, " f\t"])
OTHERS = st.lists(
    st.sampled_from(
        ["Host: a", "Host: b:80", "Accept: */*", "X: 1", "Upgrade: h2c", "Expect: 100-continue",
         "Connection: close", "Content-Length: 2", "Content-Length: 0",
         "Transfer-Encoding: chunked"]
    ),
    max_size=3,
)  # fmt: skip
DOORS = [
    Packets(FIXED),
    Packets(FIXED, [("COLOUR", "blue"), ("HTTP_COOKIE", "x")], limit=700),
    Packets([("UWSGI_ROUTER", "http")], name_is_host="here"),
]


def head_of(target: str, before: list[str], cookie: str | None, behind: list[str]) -> bytes:
    cookies = [] if cookie is None else [f"Cookie: {cookie}"]
    lines = [f"GET {target} HTTP/1.0", *before, *cookies, *behind, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@given(st.sampled_from(DOORS), OTHERS, OTHERS, st.lists(st.tuples(TARGETS, VALUES), min_size=3))
def test_a_packet_that_is_made_at_once_is_the_same(
    packets: Packets, before: list[str], behind: list[str], requests: list[tuple[str, str | None]]
) -> None:
    for number, (target, cookie) in enumerate(requests):
        head = head_of(target, before, cookie, behind)
        peer = "127.0.0.1", "4711" if number % 2 else ""
        found = packets.ready(head, peer, (7, 9))
        try:
            parsed = read_head(head)
            wanted = packet(packets.block(parsed.environ, *peer), 7, 9)
        except HeadError:
            assert isinstance(found, bytes)
            continue
        if isinstance(found, bytes):
            read_head(head, key=found)
        else:
            assert found == (wanted, parsed.environ.get("HTTP_HOST", ""), parsed.keep_alive)
            assert not {"Upgrade: h2c", "Content-Length: 2"} & {*before, *behind}


@pytest.mark.parametrize("cookie", [None, "a=b"])
@pytest.mark.parametrize("port", ["", "4711"])
@pytest.mark.parametrize("packets", DOORS)
def test_the_third_packet_of_a_kind_is_made_at_once(
    packets: Packets, port: str, cookie: str | None
) -> None:
    head = head_of("/%41?b", ["Host: a"], cookie, ["X: 1"])
    for _ in range(2):
        parsed = parse_head(head, len(head))
    wanted = packet(packets.block(parsed.environ, "::1", port), 1, 2)
    assert packets.ready(head, ("::1", port), (1, 2)) == (wanted, "a", False)


@pytest.mark.parametrize("wish", ["Upgrade: h2c", "Expect: 100-continue"])
def test_what_wants_more_than_a_packet_is_not_ready(wish: str) -> None:
    head = head_of("/", ["Host: a", wish], None, []).replace(b"/1.0", b"/1.1")
    for _ in range(2):
        parse_head(head, len(head))
    assert Packets(FIXED).ready(head, ("::1", "1"), (0, 0)) == b""


@pytest.mark.parametrize("wish", ["Content-Length: 2", "Transfer-Encoding: chunked"])
def test_what_has_a_body_is_not_remembered(wish: str) -> None:
    head = head_of("/", ["Host: a", wish], None, []).replace(b"/1.0", b"/1.1")
    for _ in range(2):
        parse_head(head, len(head))
    key = head.partition(b" HTTP/")[2]
    assert Packets(FIXED).ready(head, ("::1", "1"), (0, 0)) == key


def test_what_is_remembered_of_packets_is_bounded() -> None:
    packets = Packets(FIXED)
    sizes = set()
    for number in range(http_alike.SHAPES + 9):
        head = head_of("/", [f"X: {number}"], None, [])
        for _ in range(2):
            parse_head(head, len(head))
        assert isinstance(packets.ready(head, ("::1", "1"), (0, 0)), tuple)
        sizes.add(len(packets._pieces))
    assert max(sizes) == http_alike.SHAPES
