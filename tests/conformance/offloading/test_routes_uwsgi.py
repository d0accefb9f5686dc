"""uwsgi: routes, chained servers, upgraded connections, clients handed over by the app."""

import socket
import threading

import pytest

from tests.conformance.harness import (
    WORKER,
    Backend,
    Client,
    Received,
    Starter,
    ask,
    covers,
    exchange,
    free_port,
    get,
    packet,
    post,
    request,
    request_vars,
)
from tests.conformance.offloading.led import THREADS, Closing, core, site


@covers("OF-D3")
@pytest.mark.parametrize("protocol", ["http", "uwsgi"])
def test_a_half_close_is_passed_on(start: Starter, backend_closer: Closing, protocol: str) -> None:
    """The reply still arrives."""
    think = threading.Event()
    backend = backend_closer(Backend(protocol=protocol, hold=think))
    action = f"http:{backend.address}" if protocol == "http" else f"uwsgi:{backend.address},0,0"
    subject = site(start, f"route = ^/b {action}")
    with Client(subject.port, request("/b")) as client:
        backend.wait_seen()
        client.half_close()
        assert get(subject.port, "/hello").text == "hello"
        think.set()
        assert client.rest().text == "backend"


@covers("OF-86")
@THREADS
def test_a_unix_socket_is_a_backend(start: Starter, backend_closer: Closing, threads: int) -> None:
    path = str(start.directory() / "b.sock")
    backend_closer(Backend(path=path))
    subject = site(start, f"route = ^/b http:{path}", threads)
    assert get(subject.port, "/b").text == "backend"


@covers("OF-87")
def test_httpdumb_drops_no_header(start: Starter, backend_closer: Closing) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/b httpdumb:{backend.address}")
    exchange(subject.port, request("/b", headers=[("Connection", "Upgrade"), ("TE", "x")]))
    lines = backend.wait_seen().lines
    assert lines[0] == "GET /b HTTP/1.1"
    assert {"Connection: Upgrade", "TE: x"} <= {line.replace("Te:", "TE:") for line in lines}


@covers("OF-87")
def test_proxyhttp_is_never_offloaded(start: Starter, backend_closer: Closing) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"route = ^/b proxyhttp:{backend.address}")
    assert get(subject.port, "/b").text == "backend"
    assert core(subject)["offloaded_requests"] == 0


@covers("OF-88", "OF-89")
@THREADS
def test_the_packet_of_a_uwsgi_route(start: Starter, backend_closer: Closing, threads: int) -> None:
    backend = backend_closer(Backend(protocol="uwsgi"))
    lines = f"route-run = addvar:MINE=x\nroute = ^/b uwsgi:{backend.address},5,7,app"
    subject = site(start, lines, threads)
    assert post(subject.port, "/b?q", b"hello").text == "backend"
    received = backend.wait_seen()
    assert received.packet is not None
    assert (received.packet.modifier1, received.packet.modifier2) == (5, 7)
    variables = received.packet.vars
    assert variables["PATH_INFO"] == "/b"
    assert (variables["MINE"], variables["UWSGI_APPID"]) == ("x", "app")
    assert received.body == b"hello"


@covers("OF-91")
def test_a_uwsgi_route_without_modifiers_is_refused(start: Starter) -> None:
    ended = start.run(
        "http-socket = 127.0.0.1:PORT\nmodule = case_app\nroute = ^/b uwsgi:127.0.0.1:3031\n"
    )
    assert ended.code == 1
    assert "route" in ended.log


@covers("OF-92", "OF-88")
@THREADS
def test_servers_may_be_chained(start: Starter, threads: int) -> None:
    behind = start("socket = 127.0.0.1:PORT\nmodule = case_app\n", until=WORKER)
    subject = site(start, f"route = ^/e uwsgi:127.0.0.1:{behind.port},0,0", threads)
    assert post(subject.port, "/echo", b"x" * 50_000).body == b"x" * 50_000
    environ = get(subject.port, "/environ?a", ("X-A", "b")).json()
    assert (environ["QUERY_STRING"], environ["HTTP_X_A"]) == ("a", "b")


@covers("OF-93")
@pytest.mark.parametrize("action", ["httpdumb:{}", "uwsgi:{},0,0"])
def test_an_upgraded_connection_goes_both_ways(
    start: Starter, backend_closer: Closing, action: str
) -> None:
    def speak(sock: socket.socket, received: Received) -> None:
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while data := sock.recv(100):
            sock.sendall(data.upper())

    protocol = "uwsgi" if action.startswith("uwsgi") else "http"
    backend = backend_closer(Backend(speak, protocol=protocol))
    subject = site(start, f"route = ^/b {action.format(backend.address)}")
    with Client(subject.port, request("/b", headers=[("Upgrade", "x")])) as client:
        client.until(b"\r\n\r\n")
        for word in (b"ping", b"pong"):
            client.send(word)
            client.until(word.upper())


@covers("OF-94")
def test_a_server_may_route_to_itself(start: Starter) -> None:
    """With threads, though it has a single core."""
    port = free_port()
    subject = start(
        f"""
        http-socket = 127.0.0.1:{port}
        offload-threads = 1
        route = ^/again http:127.0.0.1:{port},,/hello
        module = case_app
        """,
        ready=[f"127.0.0.1:{port}"],
        until=WORKER,
    )
    assert get(port, "/again").text == "hello"
    assert subject.process.poll() is None


@covers("OF-95")
def test_a_buffered_body_on_disk_is_not_offloaded(start: Starter, backend_closer: Closing) -> None:
    backend = backend_closer(Backend())
    subject = site(start, f"post-buffering = 4096\nroute = ^/b http:{backend.address}")
    assert post(subject.port, "/b", b"x" * 100).text == "backend"
    assert core(subject)["offloaded_requests"] == 1
    assert post(subject.port, "/b", b"x" * 5000).text == "backend"
    assert core(subject)["offloaded_requests"] == 1
    assert backend.wait_seen(2).body == b"x" * 5000


SSE = """
def application(environ, start_response):
    if environ["PATH_INFO"] == "/sse":
        start_response("200 OK", [("X-Off", "yes")])
        return [b""]
    start_response("200 OK", [])
    return [b"app"]
"""


@covers("OF-96")
def test_the_app_may_hand_the_client_over(start: Starter, backend_closer: Closing) -> None:
    """A header of its response, collected into a variable, decides."""
    backend = backend_closer(Backend(protocol="uwsgi"))
    subject = start(
        f"""
        http-socket = 127.0.0.1:PORT
        offload-threads = 1
        module = app
        collect-header = X-Off X_OFF
        response-route-if-not = empty:${{X_OFF}} disableheaders:
        response-route-if-not = empty:${{X_OFF}} uwsgi:{backend.address},0,0
        """,
        files={"app.py": SSE},
        until=WORKER,
    )
    assert get(subject.port, "/x").text == "app"
    assert get(subject.port, "/sse").text == "backend"
    received = backend.wait_seen()
    assert received.packet is not None
    assert received.packet.vars["X_OFF"] == "yes"


@covers("OF-90")
def test_a_uwsgi_route_without_address_sets_the_modifiers(start: Starter) -> None:
    subject = start(
        "socket = 127.0.0.1:PORT\nmodule = case_app\nroute = ^/b uwsgi:,0,0\n", until=WORKER
    )
    assert exchange(subject.port, packet(request_vars("/hello"))).text == "hello"
    assert ask(subject.port, "/b").text == "hello"
