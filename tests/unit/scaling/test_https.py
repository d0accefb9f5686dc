import socket
import ssl
from pathlib import Path

import pytest

from refuwsgi.options import OptionError
from refuwsgi.scaling import https
from tests.unit.forked import LIMIT, ask, received
from tests.unit.scaling.routing import Node, router

PEM = str(Path(__file__).with_name("localhost.pem"))  # a key that guards nothing
POST = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


def connect(path: Path) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(LIMIT)
    plain.connect(str(path))
    return context.wrap_socket(plain, suppress_ragged_eofs=False)


@pytest.mark.parametrize("size", [5, 2_000_000])
def test_a_request_over_tls(tmp_path: Path, size: int) -> None:
    body = b"x" * size
    secure, node = tmp_path / "secure", tmp_path / "node"
    with (
        Node(node) as behind,
        router(tmp_path, https=f"{secure},{PEM},{PEM}", http_to=str(node)),
        connect(secure) as client,
    ):
        client.sendall(POST % size + body)
        answer = received(client)  # an end that TLS has not announced would be an error
        assert answer.partition(b"\r\n\r\n")[2] == body
        assert behind.seen[0][b"HTTPS"] == b"on"


def test_what_is_no_tls_is_dropped_and_others_are_served(tmp_path: Path) -> None:
    secure, node = tmp_path / "secure", tmp_path / "node"
    with (
        Node(node),
        router(tmp_path, https=f"{secure},{PEM},{PEM}", http_to=str(node)),
    ):
        assert not ask(str(secure), b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP")
        with connect(secure) as client:
            client.sendall(POST % 1 + b"a")
            assert received(client).endswith(b"\r\n\r\na")


def test_plain_clients_are_sent_there(tmp_path: Path) -> None:
    there, secure = tmp_path / "there", tmp_path / "secure"
    with router(
        tmp_path,
        http_to_https=str(there),
        https=f"{secure},{PEM},{PEM}",
        http_to=str(tmp_path / "node"),
    ):
        answer = ask(str(there), b"GET /a?b HTTP/1.1\r\nHost: x.example\r\n\r\n")
        assert answer.startswith(https.MOVED.encode() + b"\r\nLocation: https://x.example")
        assert ask(str(there), b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("host", "target", "port", "where"),
    [
        ("x", "/a?b", "443", "https://x/a?b"),
        ("x:8080", "/", "8443", "https://x:8443/"),
        ("x:8080", "/", "443", "https://x/"),
        ("x:80", "/", "8443", "https://x/"),
        ("x", "/", "8443", "https://x/"),
        ("[::1]", "/", "8443", "https://[::1]/"),
        ("[::1]:8080", "/", "8443", "https://[::1]:8443/"),
        ("x", "http://y/z", "", "https://x/"),
    ],
)
def test_where_clients_are_sent(host: str, target: str, port: str, where: str) -> None:
    answer = https.redirection({"HTTP_HOST": host, "REQUEST_URI": target}, port)
    assert f"\r\nLocation: {where}\r\n".encode() in answer


def test_the_parts_of_the_value() -> None:
    assert https.split(":443,a,b", "x") == (":443", "a", "b", "", "")
    assert https.split(":443, a, b, HIGH, !ca", "x").client_ca == "!ca"


@pytest.mark.parametrize("value", ["", ":443", ":443,a", ":443,,b", ":443,a,b,c,d,e"])
def test_too_few_parts_and_too_many(value: str) -> None:
    with pytest.raises(OptionError, match="expected address,certificate,key"):
        https.split(value, "x.ini:1")


@pytest.mark.parametrize(
    "value",
    [
        f":443,/no/such/file,{PEM}",
        f":443,{PEM},/no/such/file",
        f":443,{__file__},{__file__}",
        f":443,{PEM},{PEM},NO-SUCH-CIPHER",
        f":443,{PEM},{PEM},HIGH,!/no/such/file",
    ],
)
def test_what_cannot_be_loaded(value: str) -> None:
    with pytest.raises(OptionError, match="x.ini:1: https: "):
        https.context(https.split(value, "x"), "x.ini:1")


def test_a_client_may_have_to_show_a_certificate() -> None:
    for mark, mode in (("", ssl.CERT_OPTIONAL), ("!", ssl.CERT_REQUIRED)):
        found = https.context(https.split(f":443,{PEM},{PEM},HIGH,{mark}{PEM}", "x"), "x")
        assert found.verify_mode == mode
