"""The module uwsgi, as applications use it; and what the document's future asks of it."""

import json
import os
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    get,
    post,
    request,
    stats,
)

APP = """
import json, os, uwsgi
AT_IMPORT = uwsgi.worker_id()
BIG = os.path.join(os.environ["CASE_DIR"], "big.bin")
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/offload":
        start_response("200 OK", [("Content-Type", "a/b")])
        uwsgi.offload(BIG)
        return []
    if path == "/route":
        uwsgi.route(*environ["QUERY_STRING"].split("&", 1))
        return []
    if path == "/disconnect":
        start_response("200 OK", [])
        uwsgi.disconnect()
        print("went on", flush=True)
        return []
    code = environ["wsgi.input"].read().decode()
    try:
        result = eval(code, {"u": uwsgi, "e": environ, "at": AT_IMPORT, "os": os})
    except Exception as error:
        result = type(error).__name__
    start_response("200 OK", [])
    return [repr(result).encode()]
"""
FILES: dict[str, str | bytes] = {"app.py": APP, "big.bin": b"x" * 5_000_000}
SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
locks = 2
enable-metrics = true
metric = name=mine
module = app
offload-threads = 1
"""


@pytest.fixture(scope="module")
def site(start_module: Starter) -> Subject:
    return start_module(SITE, files=FILES, until=WORKER)


def run(subject: Subject, code: str) -> str:
    return post(subject.port, "/x", code.encode()).text


@covers("OF-160", "OF-161", "OF-162", "OF-163", "OF-164", "OF-166")
@pytest.mark.parametrize(
    ("row", "code", "result"),
    [
        ("OF-160", "type(u.version).__name__", "'bytes'"),
        ("OF-160", "u.version_info[:2]", "(2, 0)"),
        ("OF-160", "type(u.started_on).__name__", "'int'"),
        ("OF-160", "u.is_a_reload", "False"),
        ("OF-160", "type(u.sockets).__name__", "'list'"),
        ("OF-160", "u.opt['enable-metrics'] in (True, b'true')", "True"),
        ("OF-160", "u.opt['module']", "b'app'"),
        ("OF-160", "u.env is e or u.env == e", "True"),
        ("OF-160", "(u.SPOOL_OK, u.SPOOL_RETRY, u.SPOOL_IGNORE)", "(-2, -1, 0)"),
        ("OF-161", "u.worker_id()", "1"),
        ("OF-161", "at", "0"),
        ("OF-161", "u.masterpid() == os.getppid()", "True"),
        ("OF-161", "u.request_id() > 0", "True"),
        ("OF-161", "u.total_requests() >= 0", "True"),
        ("OF-161", "u.workers()[0]['id']", "1"),
        ("OF-161", "type(u.workers()[0]['status']).__name__", "'bytes'"),
        ("OF-161", "len(u.mem())", "2"),
        ("OF-161", "u.listen_queue() >= 0", "True"),
        ("OF-161", "u.listen_queue(99)", "'ValueError'"),
        ("OF-161", "u.connection_fd() > 2", "True"),
        ("OF-161", "u.micros() > 10 ** 15", "True"),
        ("OF-161", "u.mule_id()", "0"),
        (
            "OF-162",
            "[u.lock(), u.is_locked(), u.unlock(), u.is_locked()]",
            "[None, True, None, False]",
        ),
        ("OF-162", "[u.lock(1), u.is_locked(0), u.unlock(1)]", "[None, False, None]"),
        ("OF-162", "u.lock(99)", "'ValueError'"),
        ("OF-163", "u.log('a line of mine')", "True"),
        ("OF-163", "u.log(b'x')", "'TypeError'"),
        ("OF-163", "[u.set_logvar('a', 'b'), u.get_logvar('a'), u.get_logvar('c')]", None),
        ("OF-163", "u.add_var('A', 'b')", "True"),
        ("OF-164", "u.metric_get('mine')", "0"),
        ("OF-164", "[u.metric_inc('mine', 3), u.metric_get('mine')]", "[True, 3]"),
        ("OF-164", "[u.metric_set('mine', 0), u.metric_get('mine')]", "[True, 0]"),
        ("OF-164", "[u.metric_get('nope'), u.metric_inc('nope')]", "[0, None]"),
        ("OF-166", "hasattr(u, 'reload') and hasattr(u, 'stop')", "True"),
        ("OF-166", "hasattr(u, 'spool')", "False"),
        ("OF-166", "hasattr(u, 'chunked_read') and hasattr(u, 'websocket_recv')", "True"),
    ],
)
def test_the_module(site: Subject, row: str, code: str, result: str | None) -> None:
    if result is None:
        assert run(site, code) in ("[None, b'b', None]", "[True, b'b', None]")
    else:
        assert run(site, code) == result


@covers("OF-163")
def test_a_logged_line_stands_as_it_is(site: Subject) -> None:
    run(site, "u.log('exactly this')")
    site.wait_for("^exactly this$")


@covers("OF-163")
def test_disconnect_closes_and_goes_on(site: Subject) -> None:
    get(site.port, "/disconnect")
    site.wait_for("^went on")


@covers("OF-162")
def test_a_lock_is_between_processes(start: Starter) -> None:
    subject = start(SITE + "processes = 2\n", files=FILES, until=WORKER)
    assert run(subject, "u.lock()") == "None"
    for _ in range(6):
        assert run(subject, "u.is_locked()") == "True"


@covers("OF-166", "SC-248")
@pytest.mark.parametrize("name", ["reload", "stop"])
def test_the_app_may_reload_and_stop(start: Starter, name: str) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    assert run(subject, f"u.{name}()") in ("True", "")
    if name == "stop":
        assert subject.ended() == 0
    else:
        subject.wait_for(r"^gracefully \(RE\)spawned uWSGI master process")
        eventually(lambda: run(subject, "1") == "1")


def cores(subject: Subject) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stats(subject.ports["PORT1"])["workers"][0]["cores"]
    return found


@covers("OF-D6", kind="beyond")
def test_an_app_offloads_a_file(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    with Client(subject.port, request("/offload"), receive_buffer=4096) as slow:
        slow.more(10)
        assert run(subject, "1 + 1") == "2"
        answer = slow.rest()
    assert (answer.status, answer.get("content-type")) == (200, "a/b")
    assert answer.body == b"x" * 5_000_000
    assert cores(subject)[0]["offloaded_requests"] == 1


@covers("OF-D7", kind="beyond")
def test_an_app_routes_its_request(start: Starter) -> None:
    other = start("http-socket = 127.0.0.1:PORT\nmodule = case_app\n", until=WORKER)
    subject = start(SITE, files=FILES, until=WORKER)
    assert get(subject.port, f"/route?http&127.0.0.1:{other.port},,/hello").text == "hello"
    big = os.path.join(subject.directory, "big.bin")
    assert len(get(subject.port, f"/route?static&{big}").body) == 5_000_000
    assert json.loads(run(subject, "u.route('nosuch', 'x')")) == -1
