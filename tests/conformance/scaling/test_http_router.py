"""http: a process in front that hands each request to a worker over the uwsgi protocol."""

import threading

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    covers,
    exchange,
    get,
    post,
    request,
)


def nothing_or(status: int, raw: bytes) -> bool:
    """Closed without a byte, or a short error page."""
    return raw == b"" or f" {status} ".encode() in raw.partition(b"\r\n")[0]


@covers("SC-100")
def test_every_address_is_served(start: Starter) -> None:
    subject = start(
        "http = 127.0.0.1:PORT\nhttp = 127.0.0.1:PORT1\nmaster = true\nmodule = case_app\n"
    )
    for port in subject.ports.values():
        assert get(port, "/hello").text == "hello"


@covers("SC-101")
def test_a_router_beside_an_http_socket_works(start: Starter) -> None:
    subject = start(
        """
        http = 127.0.0.1:PORT
        http-socket = 127.0.0.1:PORT1
        socket-timeout = 1
        master = true
        module = case_app
        """
    )
    assert get(subject.ports["PORT1"], "/hello").text == "hello"
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-101")
def test_a_configured_uwsgi_socket_is_the_target(start: Starter) -> None:
    subject = start(
        "http = 127.0.0.1:PORT\nsocket = 127.0.0.1:PORT1\nmaster = true\nmodule = case_app\n"
    )
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-105")
def test_a_head_too_large_for_the_worker_hurts_nobody(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n")
    answer = get(subject.port, "/", ("X-A", "a" * 6000))
    assert answer.raw == b"" or answer.status in (400, 431, 502)
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-107")
def test_a_request_waits_for_a_free_core(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n")
    with (
        Client(subject.port, request("/hold/a")) as first,
        Client(subject.port, request("/hello")) as second,
    ):
        subject.wait_inside("a")
        subject.let_go("a")
        assert first.rest().text == "held a"
        assert second.rest().text == "hello"


@covers("SC-108")
def test_slow_heads_cost_no_core(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n")
    with Client(subject.port, b"GET / HTTP/1.1\r\nHost:"), Client(subject.port):
        assert get(subject.port, "/hello").text == "hello"


@covers("SC-109")
def test_silence_ends_a_session(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nhttp-timeout = 3\nmodule = case_app\n")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        assert nothing_or(504, client.rest().raw)
        subject.let_go("a")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-110")
def test_a_client_may_half_close(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n")
    with Client(subject.port, request("/hold/a")) as client:
        client.half_close()
        subject.wait_inside("a")
        subject.let_go("a")
        assert client.rest().text == "held a"


@covers("SC-117")
def test_expect_is_answered(start: Starter) -> None:
    subject = start(
        "http = 127.0.0.1:PORT\nmaster = true\nhttp-manage-expect = 1000\nmodule = case_app\n"
    )
    head = request("/echo", "POST", [("Expect", "100-continue"), ("Content-Length", "5")])
    with Client(subject.port, head) as client:
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"hello")
        assert client.rest().text == "hello"
    head = request("/echo", "POST", [("Expect", "100-continue"), ("Content-Length", "5000")])
    assert exchange(subject.port, head).status == 413


@covers("SC-118")
def test_chunks_may_be_read_by_the_app(start: Starter) -> None:
    app = """
import uwsgi
def application(environ, start_response):
    start_response("200 OK", [])
    while chunk := uwsgi.chunked_read():
        yield b"<" + chunk + b">"
"""
    subject = start(
        "http = 127.0.0.1:PORT\nmaster = true\nhttp-chunked-input = true\nmodule = app\n",
        files={"app.py": app},
    )
    head = request("/", "POST", [("Transfer-Encoding", "chunked")])
    answer = exchange(subject.port, head + b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")
    assert answer.text == "<one><three>"


@covers("SC-102", "SC-191")
def test_large_bodies_pass_both_ways(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n")
    body = b"0123456789" * 300_000
    assert post(subject.port, "/echo", body).body == body
    assert len(get(subject.port, "/bytes/10000000").body) == 10_000_000


@covers("SC-108")
def test_a_slow_reader_does_not_stop_others(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nprocesses = 2\nmodule = case_app\n")
    with Client(subject.port, request("/bytes/50000000"), receive_buffer=4096) as slow:
        slow.more(10)
        assert get(subject.port, "/hello").text == "hello"


@covers("SC-12")
def test_too_many_routers_are_refused(start: Starter) -> None:
    ended = start.run(
        "http = 127.0.0.1:PORT\nmaster = true\nhttp-processes = 65\nmodule = case_app\n"
    )
    assert ended.code == 1
    assert "max 64 gateways" in ended.log


@covers("SC-106")
def test_a_worker_that_dies_ends_the_session(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = case_app\n", until=WORKER)
    assert nothing_or(502, get(subject.port, "/leave/1").raw)


@covers("SC-102")
def test_many_clients_at_once(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nthreads = 4\nmodule = case_app\n")
    wrong: list[str] = []

    def client(number: int) -> None:
        for _ in range(10):
            body = f"{number}".encode() * 100
            if post(subject.port, "/echo", body).body != body:
                wrong.append(str(number))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
