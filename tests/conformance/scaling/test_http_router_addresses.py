"""http: where the router listens."""

from tests.conformance.harness import Client, Starter, covers, get, post, request

SITE = "master = true\nmodule = case_app\n"


@covers("SC-72", "SC-100")
def test_a_unix_socket(start: Starter) -> None:
    subject = start(f"http = DIR/front.sock\n{SITE}", ready=["DIR/front.sock"])
    assert get(subject.path("front.sock"), "/hello").text == "hello"


@covers("SC-100")
def test_a_shared_socket(start: Starter) -> None:
    subject = start(f"shared-socket = 127.0.0.1:PORT\nhttp = =0\n{SITE}")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-5", "SC-100")
def test_a_port_alone(start: Starter) -> None:
    subject = start(f"http = :PORT\n{SITE}")
    assert get(f"127.0.0.1:{subject.port}", "/hello").text == "hello"


@covers("SC-12", "SC-100")
def test_every_router_serves_every_address(start: Starter) -> None:
    subject = start(
        f"http = 127.0.0.1:PORT\nhttp = 127.0.0.1:PORT1\nhttp-processes = 2\n{SITE}",
        until=r"spawned uWSGI http 2 \(pid",
    )
    for _ in range(4):
        for port in subject.ports.values():
            assert get(port, "/hello").text == "hello"


@covers("SC-118", kind="beyond")
def test_a_body_in_chunks_is_a_body_for_the_app(start: Starter) -> None:
    """Without http-chunked-input the router decodes it."""
    subject = start(f"http = 127.0.0.1:PORT\n{SITE}")
    head = request("/echo", "POST", [("Transfer-Encoding", "chunked")])
    with Client(subject.port, head) as client:
        client.send(b"3\r\none\r\n")
        client.send(b"5\r\nthree\r\n0\r\n\r\n")
        assert client.rest().text == "onethree"


@covers("SC-106", kind="beyond")
def test_what_went_wrong_is_told(start: Starter) -> None:
    subject = start(f"http = 127.0.0.1:PORT\n{SITE}")
    with Client(subject.port, b"NONSENSE\r\n\r\n") as client:
        assert client.rest().status == 400
    assert post(subject.port, "/hello", b"x").text == "hello"
