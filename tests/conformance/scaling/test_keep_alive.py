"""http-keepalive: connections that the router keeps between requests."""

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    covers,
    exchange,
    get,
    request,
)

APP = """
import os, time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/raise":
        raise RuntimeError("as wanted")
    if path == "/exit":
        os._exit(1)
    if path == "/204":
        start_response("204 No Content", [("X-A", "b")])
        return []
    headers = [("Content-Type", "text/plain")]
    if path == "/length":
        headers.append(("Content-Length", "5"))
    if path == "/close":
        headers += [("Content-Length", "5"), ("Connection", "close")]
    start_response("200 OK", headers)
    return [b"he", b"llo"]
"""
SITE = "http = 127.0.0.1:PORT\nmaster = true\nhttp-timeout = 20\nmodule = app\n"
FILES = {"app.py": APP}


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(SITE + "http-keepalive = 1\n", files=FILES, tracebacks=True)


@pytest.fixture(scope="module")
def chunking(start_module: Starter) -> Subject:
    return start_module(
        SITE + "http-keepalive = 1\nhttp-auto-chunked = true\n", files=FILES, tracebacks=True
    )


@covers("SC-125")
def test_off_by_default(start: Starter) -> None:
    subject = start(SITE, files=FILES)
    answer = get(subject.port, "/length")
    assert (answer.text, answer.end) == ("hello", "closed")


@covers("SC-126")
def test_answers_with_a_length_keep_the_connection(site: Subject) -> None:
    with Client(site.port) as client:
        for _ in range(3):
            client.send(request("/length"))
            assert client.answer().text == "hello"


@covers("SC-126")
def test_idle_clients_cost_no_core(site: Subject) -> None:
    """The only core serves the second client while the first is kept."""
    with Client(site.port, request("/length")) as idle:
        assert idle.answer().text == "hello"
        with Client(site.port, request("/length")) as second:
            assert second.answer().text == "hello"
        idle.send(request("/length"))
        assert idle.answer().text == "hello"


@covers("SC-127")
def test_the_value_is_the_idle_limit(start: Starter) -> None:
    subject = start(SITE + "http-keepalive = 2\n", files=FILES)
    with Client(subject.port, request("/length"), limit=20) as client:
        assert client.answer().text == "hello"
        assert client.rest().raw == b""


@covers("SC-128")
@pytest.mark.parametrize(
    "line", ["http-keepalive = 1", "http-keepalive = true", "http-keepalive ="]
)
def test_switching_it_on(start: Starter, line: str) -> None:
    subject = start(SITE + line + "\n", files=FILES)
    with Client(subject.port, request("/length"), limit=20) as client:
        client.answer()
        client.send(request("/length"))
        assert client.answer().text == "hello"


@covers("SC-129")
@pytest.mark.parametrize(
    "data",
    [
        request("/length", headers=[("Connection", "close")]),
        request("/close"),
        request("/length", version="HTTP/1.0"),
        request("/length", "POST", [("Content-Length", "1")]) + b"abc",
    ],
    ids=["asked by the client", "asked by the app", "HTTP/1.0", "bytes beyond the body"],
)
def test_what_ends_the_connection(site: Subject, data: bytes) -> None:
    assert exchange(site.port, data).text == "hello"


@covers("SC-130")
def test_an_answer_without_length_ends_with_the_connection(site: Subject) -> None:
    answer = get(site.port, "/")
    assert answer.text == "hello"
    assert answer.headers[-1] == ("Connection", "close")


@covers("SC-131")
def test_chunks_keep_the_connection(chunking: Subject) -> None:
    with Client(chunking.port) as client:
        for _ in range(2):
            client.send(request("/"))
            head = client.until(b"\r\n\r\n")
            assert b"\r\nTransfer-Encoding: chunked\r\n\r\n" in head
            assert dechunked(client.until(b"0\r\n\r\n")) == b"hello"


def dechunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return body


@covers("SC-131")
def test_an_answer_with_a_length_is_left_alone(chunking: Subject) -> None:
    with Client(chunking.port, request("/length")) as client:
        answer = client.answer()
        assert answer.get("transfer-encoding") is None
        assert answer.text == "hello"


@covers("SC-131")
def test_no_content_is_left_alone(chunking: Subject) -> None:
    with Client(chunking.port, request("/204")) as client:
        head = client.until(b"\r\n\r\n")
        assert b"chunked" not in head
        client.send(request("/length"))
        rest = client.more()
        assert not rest.startswith(b"0\r\n")


@covers("SC-132")
@pytest.mark.parametrize("path", ["/raise", "/exit"])
def test_a_request_without_an_answer_ends(site: Subject, path: str) -> None:
    """Long before http-timeout: closed, or an error."""
    with Client(site.port, request(path), limit=15) as client:
        first = client.more()
        assert first == b"" or first.startswith(b"HTTP/1.1 50")


@covers("SC-133")
def test_the_first_of_two_pipelined_requests_is_answered(site: Subject) -> None:
    with Client(site.port, request("/length") + request("/length")) as client:
        assert client.answer().text == "hello"
