"""A router and a node on a UNIX socket, of either kind: a passed descriptor breaks nobody."""

import pytest

from tests.conformance.harness import Starter, Subject, ask, eventually, exchange, packet
from tests.conformance.harness.packet import request_vars
from tests.integration import original
from tests.integration.fleet import PATIENCE, program

APP = """
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [b"got " + body, b"x" * int(environ["QUERY_STRING"] or 0)]
"""
ROUTER = "[uwsgi]\nmaster = true\nfastrouter = DIR/router.sock\nfastrouter-to = {node}\n"
NODE = "[uwsgi]\nmaster = true\nsocket = DIR/node.sock\nwsgi-file = app.py\n"


def running(start: Starter, kind: str, ini: str, socket: str) -> Subject:
    directory = start.directory({"app.py": APP})
    (directory / "server.ini").write_text(ini.replace("DIR", str(directory)))
    subject = Subject(directory, [*program(kind), "--ini", "server.ini"], {})
    start.subjects.append(subject)
    eventually(lambda: (directory / socket).exists(), socket, PATIENCE)
    subject.wait_listening(str(directory / socket))
    return subject


@pytest.mark.parametrize("router", ["ours", "original"])
@pytest.mark.parametrize("node", ["ours", "original"])
def test_requests_with_and_without_a_body(start: Starter, router: str, node: str) -> None:
    if original.PROGRAM is None:
        pytest.skip("absent: no uwsgi, neither $ORIGINAL_UWSGI nor on the PATH")
    served = running(start, node, NODE, "node.sock")
    between = running(start, router, ROUTER.format(node=served.path("node.sock")), "router.sock")
    door = between.path("router.sock")
    for _ in range(5):
        assert ask(door, "/").text == "got "
        assert ask(door, "/?500000").text == "got " + "x" * 500_000
        sent = packet(request_vars("/", "POST", CONTENT_LENGTH="4")) + b"four"
        assert exchange(door, sent).text == "got four"
