"""http-to-https: an address of the HTTP router that sends its clients to https."""

import socket
import ssl
from pathlib import Path

from tests.conformance.harness import Answer, Starter, Subject, covers, exchange

PEM = Path(__file__).parent.parent.joinpath("apps", "localhost.pem").read_text()
SITE = """
https = 127.0.0.1:PORT,localhost.pem,localhost.pem
http-to-https = 127.0.0.1:PORT1
master = true
module = case_app
"""


def serving(start: Starter, site: str = SITE) -> Subject:
    return start(site, files={"localhost.pem": PEM})


def sent(subject: Subject, host: str, start: str = "GET /a?b=c HTTP/1.1") -> Answer:
    """The answer to a client that calls the server so."""
    head = f"{start}\r\nHost: {host}\r\n\r\n"
    answer = exchange(subject.ports["PORT1"], head.encode())
    assert (answer.status, answer.body, answer.end) == (301, b"", "closed"), answer
    return answer


@covers("SC-366")
def test_clients_are_sent_to_the_same_place(start: Starter) -> None:
    """No worker hears of them; the port of HTTPS is the usual one."""
    subject = serving(start)
    for host in ("x.example", "x.example:80"):
        for method in ("GET", "HEAD", "POST"):
            answer = sent(subject, host, f"{method} /a?b=c HTTP/1.1")
            assert answer.get("Location") == "https://x.example/a?b=c"
    assert "/a?b=c" not in subject.log


@covers("SC-366")
def test_other_addresses_serve(start: Starter) -> None:
    """Also where no https is configured: somebody in front may speak it."""
    subject = serving(
        start,
        "http-to-https = 127.0.0.1:PORT1\nhttp = 127.0.0.1:PORT\n"
        "master = true\nmodule = case_app\n",
    )
    assert sent(subject, "x").get("Location") == "https://x/a?b=c"
    answer = exchange(subject.port, b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.text == "hello"


@covers("SC-367", kind="beyond")
def test_who_names_a_port_finds_https(start: Starter) -> None:
    """The place that a client is sent to answers it."""
    subject = serving(start)
    host = f"127.0.0.1:{subject.ports['PORT1']}"
    where = sent(subject, host, "GET /hello HTTP/1.1").get("Location")
    assert where == f"https://127.0.0.1:{subject.port}/hello"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", subject.port), 25) as plain,
        context.wrap_socket(plain) as client,
    ):
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = b""
        while not found.endswith(b"hello"):
            part = client.recv(4096)
            assert part, found
            found += part


@covers("SC-367", kind="beyond")
def test_addresses_of_ipv6(start: Starter) -> None:
    subject = serving(start)
    for host in ("[::1]", "[::1]:80"):
        assert sent(subject, host).get("Location") == "https://[::1]/a?b=c"
