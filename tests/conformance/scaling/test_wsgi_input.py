"""wsgi.input: how a body is read, and the limits on it."""

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    covers,
    exchange,
    get,
    post,
    request,
)

APP = """
import json
STEPS = {
    "read": lambda i: [i.read()],
    "pieces": lambda i: [i.read(3), i.read(4), i.read(100), i.read(1), i.read()],
    "minus": lambda i: [i.read(2), i.read(-1)],
    "lines": lambda i: [i.readline(), i.readline(), i.readline(), i.readline()],
    "list": lambda i: i.readlines(),
    "iterate": lambda i: list(i),
    "mixed": lambda i: [i.readline(), i.read(3), i.readline(), i.read()],
    "size": lambda i: [str(len(i.read())).encode()],
    "zero": lambda i: [i.read(1), i.readline()],
}
def application(environ, start_response):
    try:
        got = STEPS[environ["PATH_INFO"][1:]](environ["wsgi.input"])
        body = json.dumps([piece.decode("latin-1") for piece in got]).encode()
    except OSError as error:
        body = json.dumps({"error": str(error)}).encode()
        print("read failed:", error, flush=True)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
BODY = b"one\ntwo three\nlast"


@pytest.fixture(scope="module", params=["http-socket", "http", "post-buffering"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    front = "http" if request.param == "http" else "http-socket"
    buffering = "post-buffering = 8" if request.param == "post-buffering" else ""
    return start_module(
        f"""
        {front} = 127.0.0.1:PORT
        master = true
        module = app
        {buffering}
        """,
        files={"app.py": APP},
        tracebacks=True,
    )


@covers("SC-185", "SC-189")
@pytest.mark.parametrize(
    ("path", "pieces"),
    [
        ("read", ["one\ntwo three\nlast"]),
        ("pieces", ["one", "\ntwo", " three\nlast", "", ""]),
        ("minus", ["on", "e\ntwo three\nlast"]),
        ("lines", ["one\n", "two three\n", "last", ""]),
        ("list", ["one\n", "two three\n", "last"]),
        ("iterate", ["one\n", "two three\n", "last"]),
        ("mixed", ["one\n", "two", " three\n", "last"]),
    ],
)
def test_reading(site: Subject, path: str, pieces: list[str]) -> None:
    """Every way of reading gives the body in order and then nothing."""
    assert post(site.port, f"/{path}", BODY).json() == pieces


@covers("SC-185")
def test_there_is_nothing_to_read_without_a_body(site: Subject) -> None:
    assert get(site.port, "/zero").json() == ["", ""]


@covers("SC-185", "SC-99d")
def test_reading_ends_at_the_content_length(site: Subject) -> None:
    data = request("/read", "POST", [("Content-Length", "3")]) + BODY
    assert exchange(site.port, data).json() == ["one"]


@covers("SC-185")
def test_a_body_in_pieces_is_waited_for(site: Subject) -> None:
    with Client(site.port, request("/read", "POST", [("Content-Length", "6")])) as client:
        client.send(b"abc")
        client.send(b"def")
        assert client.rest().json() == ["abcdef"]


@covers("SC-191")
def test_a_large_body_arrives_whole(site: Subject) -> None:
    assert post(site.port, "/size", b"x" * 5_000_000).json() == ["5000000"]


@covers("SC-191")
def test_a_large_answer_arrives_whole(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = case_app")
    assert len(get(subject.port, "/bytes/20000000").body) == 20_000_000


@covers("SC-187")
def test_a_client_that_leaves_early_makes_read_fail(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        module = app
        """,
        files={"app.py": APP},
        tracebacks=True,
    )
    with Client(subject.port, request("/read", "POST", [("Content-Length", "10")]) + b"abc"):
        pass
    subject.wait_for("^read failed:")
    assert get(subject.port, "/zero").status == 200


@covers("SC-188")
def test_a_client_that_stops_sending_makes_read_fail(start: Starter) -> None:
    """After socket-timeout seconds without a byte."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        module = app
        socket-timeout = 1
        """,
        files={"app.py": APP},
        tracebacks=True,
    )
    with Client(subject.port, request("/read", "POST", [("Content-Length", "10")]) + b"abc"):
        subject.wait_for("^read failed:")
    assert get(subject.port, "/zero").status == 200


@covers("SC-190")
def test_a_body_above_the_limit_is_refused(start: Starter) -> None:
    """`limit-post = 10`: the app is not called; the client gets nothing, or 413."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        module = case_app
        limit-post = 10
        """
    )
    assert post(subject.port, "/echo", b"x" * 10).body == b"x" * 10
    answer = post(subject.port, "/echo", b"x" * 11)
    assert answer.raw == b"" or answer.status == 413


@covers("SC-186", "SC-189")
def test_seek_needs_post_buffering(start: Starter) -> None:
    app = """
def application(environ, start_response):
    body = environ["wsgi.input"]
    start_response("200 OK", [])
    first = body.read()
    body.seek(0)
    return [first, b"|", body.read()]
"""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        module = app
        post-buffering = 4
        """,
        files={"app.py": app},
    )
    for body in (b"abc", b"abcdefgh"):
        assert post(subject.port, "/", body).body == body + b"|" + body
