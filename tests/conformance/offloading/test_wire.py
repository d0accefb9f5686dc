"""On the wire and in the log: paths, protocol, abstract names, the words of the request line."""

import socket

import pytest

from tests.conformance.harness import (
    WORKER,
    Backend,
    Client,
    Starter,
    Subject,
    ask,
    covers,
    exchange,
    get,
    listening,
    packet,
    request,
    request_vars,
)

FILES: dict[str, str | bytes] = {"static/a.txt": "0123456789"}
SITE = """
http-socket = 127.0.0.1:PORT
check-static = DIR/static
module = case_app
"""


@pytest.fixture(scope="module", params=["", "offload-threads = 1"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return start_module(
        SITE + "socket = 127.0.0.1:PORT1\n" + request.param + "\n", files=FILES, until=WORKER
    )


@covers("OF-190")
@pytest.mark.parametrize(
    ("path", "info"),
    [
        ("/environ/./a", "/environ/a"),
        ("/x/../environ", "/environ"),
        ("/environ%2Fb", "/environ/b"),
        ("/environ/%41", "/environ/A"),
    ],
)
def test_the_path_is_decoded(site: Subject, path: str, info: str) -> None:
    environ = get(site.port, path).json()
    assert (environ["PATH_INFO"], environ["REQUEST_URI"]) == (info, path)


@covers("OF-190")
def test_the_path_of_a_packet_is_taken_raw(site: Subject) -> None:
    environ = ask(site.ports["PORT1"], "/environ/%41").json()
    assert environ["PATH_INFO"] == "/environ/%41"


@covers("OF-191", "OF-196")
def test_the_variables_of_an_http_socket(site: Subject) -> None:
    headers = [("X-A", "1"), ("X-A", "2")]
    environ = exchange(site.port, request("/environ?q", headers=headers)).json()
    wanted = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/environ?q",
        "PATH_INFO": "/environ",
        "QUERY_STRING": "q",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "SERVER_NAME": socket.gethostname(),
        "SERVER_PORT": str(site.port),
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_A": "1, 2",
        "wsgi.version": "(1, 0)",
        "wsgi.run_once": "False",
    }
    assert {name: environ.get(name) for name in wanted} == wanted


@covers("OF-192")
def test_without_a_protocol_the_answer_is_http_1_0(site: Subject) -> None:
    variables = request_vars("/a.txt")
    del variables["SERVER_PROTOCOL"]
    answer = exchange(site.ports["PORT1"], packet(variables))
    assert answer.status_line == "HTTP/1.0 200 OK"


@covers("OF-192")
def test_a_kept_connection_survives_or_ends_after_a_file(start: Starter) -> None:
    """Answers of the app keep it; after an offloaded file it may end, but only after the file."""
    subject = start(
        SITE.replace("http-socket", "http11-socket") + "offload-threads = 1\nsocket-timeout = 10\n",
        files=FILES,
        until=WORKER,
    )
    with Client(subject.port, request("/hello")) as client:
        assert client.answer().text == "hello"
        client.send(request("/a.txt"))
        assert client.answer().body == b"0123456789"


@covers("OF-193")
def test_an_abstract_name(start: Starter) -> None:
    """Bound with a closing NUL, as the client of the suite connects."""
    subject = start("socket = @conformance-PORT\nmodule = case_app\n", until=WORKER, ready=[])
    name = f"@conformance-{subject.port}"
    assert listening(name)
    assert ask(name, "/hello").text == "hello"


@covers("OF-194")
@pytest.mark.parametrize(
    ("lines", "path", "line"),
    [
        ("", "/a.txt", r"generated 10 bytes in \d+ msecs via sendfile\(\) \(HTTP/1\.1 200\) 3 "),
        (
            "offload-threads = 1",
            "/a.txt",
            r"generated 10 bytes in \d+ msecs via offload\(\) \(HTTP/1\.1 200\) 3 headers in \d+ "
            r"bytes \(0 switches on core 0\)",
        ),
        ("", "/hello", r"generated 5 bytes in \d+ msecs \(HTTP/1\.1 200\) 2 headers in"),
        ("route = ^/r return:403", "/r", r"generated \d+ bytes in \d+ msecs .*\(HTTP/1\.1 403\)"),
    ],
)
def test_the_request_line_says_how(start: Starter, lines: str, path: str, line: str) -> None:
    subject = start(SITE + lines + "\n", files=FILES, until=WORKER)
    get(subject.port, path)
    subject.wait_for(rf"GET {path} => {line}")
    if path == "/a.txt":
        subject.wait_for(r"\|app: -1\|req: -1/1\] .* GET /a\.txt")


@covers("OF-195")
def test_an_offloaded_route_says_so(start: Starter) -> None:
    with Backend() as backend:
        subject = start(
            SITE + f"offload-threads = 1\nroute = ^/b http:{backend.address}\n",
            files=FILES,
            until=WORKER,
        )
        assert get(subject.port, "/b").text == "backend"
        subject.wait_for(r"GET /b => generated \d+ bytes in \d+ msecs via offload\(\) ")
