"""The scaling document's two files, letter by letter; only the port is another."""

from contextlib import ExitStack

import pytest

from tests.conformance.harness import Client, Starter, get, request, stats
from tests.integration.fronts import STYLE

FIRST = """
   [uwsgi]
   strict = true
   master = true

   http-socket = :8000
   processes = 4
   cheaper = 1
   threads = 2

   pythonpath = code/
   module = app

   check-static = static/
   offload-threads = 1
"""
SECOND = """
   [uwsgi]
   strict = true
   master = true

   http = :8000
   processes = 4
   cheaper = 1
   threads = 2

   pythonpath = code/
   module = app

   check-static = static/
   offload-threads = 1
"""
APP = "from case_app import application\n"
EIGHT = 8


@pytest.mark.parametrize("ini", [FIRST, SECOND], ids=["http-socket", "http"])
def test_eight_requests_at_once_and_the_ninth_waits(start: Starter, ini: str) -> None:
    """The document: at least 1, and up to 4, processes, each with 2 threads."""
    subject = start(
        ini.replace(":8000", ":PORT"),
        *("--stats", "127.0.0.1:PORT1", "--cheaper-overload", "1"),  # only to be quicker
        files={"code/app.py": APP, "static/style.css": STYLE},
        until=r"^spawned 1 offload threads for uWSGI worker 1$",
    )
    assert get(subject.port, "/style.css").body == STYLE
    assert len(subject.workers()) == 1
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Client(subject.port, request("/hold/all"))) for _ in range(EIGHT)
        ]
        inside = subject.wait_inside("all", EIGHT)
        assert len({pid for pid, _ in inside}) == 4
        late = stack.enter_context(Client(subject.port, request("/hold/all")))
        subject.let_go("all")
        for client in (*clients, late):
            assert client.rest().text == "held all"
    workers = stats(subject.ports["PORT1"])["workers"]
    assert [worker["status"] for worker in workers].count("cheap") < 4
    assert get(subject.port, "/style.css").body == STYLE
