"""http-socket: what a worker does with HTTP, connection by connection."""

import contextlib
import os

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    free_port,
    get,
    request,
)

STREAM = """
import os, time
from pathlib import Path
CASE = Path(os.environ["CASE_DIR"])
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first"
    while not (CASE / "go").exists():
        time.sleep(0.01)
    yield b"second"
"""


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nthreads = 4\nmodule = case_app\n",
        tracebacks=True,
    )


@covers("SC-60")
@pytest.mark.parametrize("value", ["keep-alive", "close", "whatever"])
def test_one_request_for_each_connection(site: Subject, value: str) -> None:
    answer = exchange(site.port, request("/hello", headers=[("Connection", value)]))
    assert (answer.body, answer.end) == (b"hello", "closed")


@covers("SC-61")
def test_the_head_is_the_apps_own(site: Subject) -> None:
    assert get(site.port, "/hello").raw == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    )


@covers("SC-62")
@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_the_protocol_is_that_of_the_request(site: Subject, version: str) -> None:
    answer = exchange(site.port, request("/hello", version=version))
    assert answer.status_line == f"{version} 200 OK"


@covers("SC-63", "OF-75")
def test_chunks_go_out_as_they_come(start: Starter) -> None:
    """The first is there while the app still works; nothing is added around them."""
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = app", files={"app.py": STREAM})
    with Client(subject.port, request("/")) as client:
        client.until(b"first")
        (subject.directory / "go").touch()
        assert client.rest().raw == b"second"


@covers("SC-64")
@pytest.mark.parametrize(
    "long", [request("/", headers=[("X-A", "a" * 5000)]), request("/" + "p" * 5000)]
)
def test_a_head_that_is_too_large_is_refused(site: Subject, long: bytes) -> None:
    """Without a byte, or with 4xx; others are served."""
    answer = exchange(site.port, long)
    assert answer.raw == b"" or answer.status in (400, 413, 414, 431)
    assert get(site.port, "/hello").text == "hello"


@covers("SC-64", "OF-180", "OF-181")
def test_buffer_size_is_the_limit(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app\nbuffer-size = 32768\n")
    answer = get(subject.port, "/environ", ("X-A", "a" * 20000))
    assert answer.json()["HTTP_X_A"] == "a" * 20000
    refused = get(subject.port, "/environ", ("X-A", "a" * 40000))
    assert refused.raw == b"" or refused.status in (400, 413, 431)


@covers("SC-65")
def test_the_number_of_headers_is_limited(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app\nbuffer-size = 32768\n")

    def with_headers(count: int) -> bytes:
        return request("/hello", headers=[(f"X-{n}", "v") for n in range(count)])

    assert exchange(subject.port, with_headers(100)).text == "hello"
    refused = exchange(subject.port, with_headers(400))
    assert refused.raw == b"" or refused.status in (400, 431)


@covers("SC-66")
def test_an_unfinished_head_is_given_up(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nsocket-timeout = 1\nmodule = case_app\n")
    answer = exchange(subject.port, b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert answer.raw == b"" or answer.status == 408
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-67")
def test_silent_connections_do_not_stop_the_server(start: Starter) -> None:
    """Several clients that say nothing: another is answered in the end."""
    subject = start("http-socket = 127.0.0.1:PORT\nsocket-timeout = 2\nmodule = case_app\n")
    with Client(subject.port), Client(subject.port):
        assert get(subject.port, "/hello").text == "hello"


@covers("SC-68")
def test_a_client_that_does_not_read_is_given_up(start: Starter) -> None:
    subject = start(
        "http-socket = 127.0.0.1:PORT\nsocket-timeout = 1\nmodule = case_app\n", tracebacks=True
    )
    with Client(subject.port, request("/bytes/50000000"), receive_buffer=4096):
        assert get(subject.port, "/hello").text == "hello"


@covers("SC-69")
def test_a_client_that_leaves_costs_only_its_request(site: Subject) -> None:
    for _ in range(3):
        with Client(site.port, request("/bytes/20000000"), receive_buffer=4096) as client:
            client.more(10)
    assert get(site.port, "/hello").text == "hello"


@covers("SC-70")
def test_an_unread_body_does_no_harm(site: Subject) -> None:
    answer = exchange(site.port, request("/hello", "POST", body=b"x" * 100))
    assert answer.text == "hello"
    with contextlib.suppress(OSError):
        exchange(site.port, request("/hello", "POST", body=b"x" * 5_000_000))
    assert get(site.port, "/hello").text == "hello"


@covers("SC-71")
def test_a_client_may_half_close(site: Subject) -> None:
    assert exchange(site.port, request("/hello"), half_close=True).text == "hello"


@covers("SC-72")
def test_a_path_is_a_unix_socket(start: Starter) -> None:
    subject = start("http-socket = DIR/web.sock\nmodule = case_app\n", ready=["DIR/web.sock"])
    environ = get(subject.path("web.sock"), "/environ").json()
    assert environ["SERVER_PORT"] == "80"


@covers("SC-72")
def test_a_word_without_a_colon_is_a_path(start: Starter) -> None:
    subject = start("http-socket = 9123\nmodule = case_app\n", until=WORKER)
    path = subject.path("9123")
    eventually(lambda: os.path.exists(path), "the socket file")
    assert get(path, "/hello").text == "hello"


@covers("SC-73")
def test_a_name_is_resolved(start: Starter) -> None:
    subject = start("http-socket = localhost:PORT\nmodule = case_app\n")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-73")
@pytest.mark.parametrize("host", ["no-such-host.invalid", "999.1.1.1"])
def test_a_name_that_means_nothing_is_refused(start: Starter, host: str) -> None:
    subject = start.launch(f"http-socket = {host}:{free_port()}\nmodule = case_app\n")
    assert subject.ended(limit=30) == 1


@covers("SC-74")
@pytest.mark.parametrize("option", ["http-socket", "socket", "http"])
def test_an_address_in_use_ends_the_start(start: Starter, option: str) -> None:
    first = start("http-socket = 127.0.0.1:PORT\nmodule = case_app\n")
    ended = start.run(f"{option} = 127.0.0.1:{first.port}\nmodule = case_app\n")
    assert ended.code == 1
    assert str(first.port) in ended.log
    assert "ddress already in use" in ended.log


@covers("SC-75")
def test_a_backlog_beyond_the_kernels_is_refused(start: Starter) -> None:
    ended = start.run("http-socket = 127.0.0.1:PORT\nlisten = 1000000\nmodule = case_app\n")
    assert ended.code == 1
    assert "somaxconn" in ended.log


class TestKept:
    @covers("SC-76")
    def test_http11_socket_keeps_the_connection(self, start: Starter) -> None:
        subject = start(
            "http11-socket = 127.0.0.1:PORT\nsocket-timeout = 10\nthreads = 2\nmodule = case_app\n"
        )
        with Client(subject.port) as client:
            for _ in range(3):
                client.send(request("/hello"))
                answer = client.answer()
                assert (answer.status_line, answer.text) == ("HTTP/1.1 200 OK", "hello")

    @covers("SC-76")
    def test_http11_socket_closes_after_an_old_request(self, start: Starter) -> None:
        subject = start(
            "http11-socket = 127.0.0.1:PORT\nsocket-timeout = 10\nthreads = 2\nmodule = case_app\n"
        )
        assert exchange(subject.port, request("/hello", version="HTTP/1.0")).text == "hello"

    @covers("SC-76", "SC-363")
    @pytest.mark.parametrize(
        ("row", "data"),
        [
            ("SC-76", request("/hello", version="HTTP/1.0")),
            ("SC-363", request("/hello", headers=[("Connection", "close")])),
        ],
        ids=["old", "asked"],
    )
    def test_http11_socket_closes_at_once_if_asked(
        self, start: Starter, row: str, data: bytes
    ) -> None:
        """And not when the time for another request is over."""
        subject = start("http11-socket = 127.0.0.1:PORT\nsocket-timeout = 90\nmodule = case_app\n")
        assert exchange(subject.port, data).text == "hello"

    @covers("SC-76")
    def test_an_idle_kept_connection_ends(self, start: Starter) -> None:
        subject = start("http11-socket = 127.0.0.1:PORT\nsocket-timeout = 1\nmodule = case_app\n")
        with Client(subject.port, request("/hello")) as client:
            assert client.answer().text == "hello"
            assert client.rest().raw == b""
