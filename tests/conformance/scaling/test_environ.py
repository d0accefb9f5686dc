"""The environ that an application gets, by each of the three doors."""

import json
from typing import Any

import pytest

from tests.conformance.harness import (
    Answer,
    Starter,
    Subject,
    ask,
    covers,
    get,
    host_name,
    packet,
    post,
    request_vars,
)
from tests.conformance.harness.client import Client

Environ = dict[str, Any]


@pytest.fixture(scope="module", params=["http-socket", "http", "socket"])
def door(request: pytest.FixtureRequest, start_module: Starter) -> tuple[str, Subject]:
    subject = start_module(
        f"""
        {request.param} = 127.0.0.1:PORT
        master = true
        processes = 2
        threads = 2
        module = dump_app
        """
    )
    return request.param, subject


def environ_of(door: tuple[str, Subject], path: str, **headers: str) -> Environ:
    kind, subject = door
    if kind == "socket":
        names = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        answer: Answer = ask(subject.port, path, **names)
    else:
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        answer = get(subject.port, path, *pairs)
    found: Environ = answer.json()
    return found


@covers("SC-140")
def test_the_request_line(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/a/b?x=1&y=2")
    assert {name: environ[name] for name in environ if name in REQUEST_LINE} == REQUEST_LINE


REQUEST_LINE = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": "/a/b?x=1&y=2",
    "PATH_INFO": "/a/b",
    "QUERY_STRING": "x=1&y=2",
    "SERVER_PROTOCOL": "HTTP/1.1",
}


@covers("SC-140", "SC-141")
def test_the_query_may_be_empty_and_the_script_is_the_root(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/")
    assert environ["QUERY_STRING"] == ""
    assert environ.get("SCRIPT_NAME", "") == ""


@covers("SC-142")
def test_the_server_is_the_machine_and_the_bound_port(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/")
    if door[0] == "socket":
        wanted = ("example.com", "80")
    else:
        wanted = (host_name(), str(door[1].port))
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == wanted


@covers("SC-143")
def test_the_peer_is_known(door: tuple[str, Subject]) -> None:
    assert environ_of(door, "/")["REMOTE_ADDR"] == "127.0.0.1"


@covers("SC-143", "SC-103")
def test_a_router_tells_the_port_of_the_client(start: Starter) -> None:
    subject = start("http = 127.0.0.1:PORT\nmaster = true\nmodule = dump_app")
    with Client(subject.port) as client:
        mine = client.sock.getsockname()[1]
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.rest().json()["REMOTE_PORT"] == str(mine)


@covers("SC-144", "SC-150")
def test_headers_become_variables(door: tuple[str, Subject]) -> None:
    """With HTTP_ before their name, so that no header can forge another variable."""
    environ = environ_of(door, "/", X_Thing="a thing", Remote_User="root")
    assert environ["HTTP_X_THING"] == "a thing"
    assert environ["HTTP_REMOTE_USER"] == "root"
    assert "REMOTE_USER" not in environ


@covers("SC-144")
def test_a_body_is_described_and_no_body_is_not(door: tuple[str, Subject]) -> None:
    kind, subject = door
    if kind == "socket":
        variables = request_vars(
            "/", "POST", CONTENT_LENGTH="3", CONTENT_TYPE="text/x-thing", HTTP_X="1"
        )
        with Client(subject.port, packet(variables) + b"abc") as client:
            environ = client.rest().json()
    else:
        environ = post(subject.port, "/", b"abc", ("Content-Type", "text/x-thing")).json()
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x-thing", "3")
    assert environ["body"] == "abc"
    bare = environ_of(door, "/")
    assert bare.get("CONTENT_LENGTH", "") == ""
    assert bare.get("CONTENT_TYPE", "") == ""


@covers("SC-145")
def test_only_a_router_says_that_it_is_one(door: tuple[str, Subject]) -> None:
    wanted = "http" if door[0] == "http" else None
    assert environ_of(door, "/").get("UWSGI_ROUTER") == wanted


@covers("SC-146")
@pytest.mark.parametrize(
    ("header", "value", "scheme"),
    [
        ("", "", "http"),
        ("X_Forwarded_Proto", "https", "https"),
        ("X_Forwarded_Proto", "http", "http"),
        ("X_Forwarded_Proto", "javascript", "http"),
        ("X_Forwarded_SSL", "on", "https"),
        ("X_Forwarded_SSL", "off", "http"),
    ],
)
def test_the_scheme(door: tuple[str, Subject], header: str, value: str, scheme: str) -> None:
    headers = {header: value} if header else {}
    assert environ_of(door, "/", **headers)["wsgi.url_scheme"] == scheme


@covers("SC-146")
@pytest.mark.parametrize(
    ("name", "value", "scheme"),
    [
        ("HTTPS", "on", "https"),
        ("HTTPS", "1", "https"),
        ("HTTPS", "off", "http"),
        ("UWSGI_SCHEME", "https", "https"),
    ],
)
def test_the_scheme_in_a_packet(start: Starter, name: str, value: str, scheme: str) -> None:
    subject = start("socket = 127.0.0.1:PORT\nmodule = dump_app")
    assert ask(subject.port, "/", **{name: value}).json()["wsgi.url_scheme"] == scheme


@covers("SC-147", "SC-27")
def test_the_keys_of_wsgi(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/")
    assert environ["wsgi.version"] == "(1, 0)"
    assert environ["wsgi.run_once"] == "False"
    assert environ["wsgi.multithread"] == "True"
    assert environ["wsgi.multiprocess"] == "True"
    assert {"wsgi.input", "wsgi.errors", "wsgi.file_wrapper"} <= set(environ)


@covers("SC-148")
def test_the_keys_of_uwsgi(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/")
    assert environ["uwsgi.version"].startswith("b'")
    assert environ["uwsgi.node"] == repr(host_name().encode())
    assert environ["uwsgi.core"] in ("0", "1")


@covers("SC-149")
def test_strings_are_latin_1(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/", X_Thing="\u00e9\u00ff")
    assert environ["HTTP_X_THING"] == "\u00e9\u00ff"


@covers("SC-149")
def test_the_environ_is_a_fresh_dict(start: Starter) -> None:
    app = """
import json
def application(environ, start_response):
    before = "left" in environ
    environ["left"] = "behind"
    start_response("200 OK", [])
    return [json.dumps([type(environ).__name__, before]).encode()]
"""
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = app", files={"app.py": app})
    for _ in range(2):
        assert json.loads(get(subject.port).body) == ["dict", False]


@covers("SC-151")
def test_what_plain_http_does_not_set(door: tuple[str, Subject]) -> None:
    environ = environ_of(door, "/")
    assert not {"SERVER_ADDR", "GATEWAY_INTERFACE", "HTTPS"} & set(environ)


@covers("SC-27")
def test_one_core_is_neither_multithread_nor_multiprocess(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = dump_app")
    environ = get(subject.port).json()
    assert (environ["wsgi.multithread"], environ["wsgi.multiprocess"]) == ("False", "False")
    assert "uwsgi.core" not in environ


@covers("SC-27")
def test_multiprocess_stays_true_when_cheaped_down_to_one(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        processes = 2
        cheaper = 1
        module = dump_app
        """
    )
    assert get(subject.port).json()["wsgi.multiprocess"] == "True"
