"""The scaling document's two files, as they stand there (only the port is another)."""

import re
import urllib.request

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    get,
    request,
    tree,
)

FIRST = """
[uwsgi]
strict = true
master = true

http-socket = :PORT
processes = 4
cheaper = 1
threads = 2

pythonpath = code/
module = app

check-static = static/
offload-threads = 1
"""
SECOND = FIRST.replace("http-socket", "http")
APP = """
import sys
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(sys.path[:3]).encode()]
"""
SITE = {"code/app.py": APP, "static/style.css": "p { }\n"}
OFFLOAD = r"spawned 1 offload threads for uWSGI worker 1$"
ROUTER = r"spawned uWSGI http 1 \(pid: (\d+)\)$"


@pytest.fixture(scope="module", params=["http-socket", "http"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    ini = FIRST if request.param == "http-socket" else SECOND
    subject = start_module(ini, files=SITE, until=WORKER)
    subject.wait_for(OFFLOAD)
    if request.param == "http":
        subject.wait_for(ROUTER)
    return subject


@covers("SC-1", "SC-2")
def test_the_app_of_the_code_directory_answers(site: Subject) -> None:
    """`pythonpath = code/` stands first in sys.path and `module = app` is imported from there."""
    answer = get(site.port, "/anything")
    assert answer.status_line == "HTTP/1.1 200 OK"
    assert answer.text.startswith("['code/'")


@covers("SC-3")
def test_a_file_under_static_is_served_and_all_else_is_the_apps(site: Subject) -> None:
    answer = get(site.port, "/style.css")
    assert answer.status_line == "HTTP/1.1 200 OK"
    assert answer.body == b"p { }\n"
    assert answer.names == ["Content-Type", "Content-Length", "Last-Modified"]
    assert answer.get("content-type") == "text/css"
    assert get(site.port, "/nothing.css").get("content-type") == "text/plain"


@covers("SC-6")
def test_one_worker_of_two_cores_is_there(site: Subject) -> None:
    assert re.search(r"^spawned uWSGI worker 1 \(pid: \d+, cores: 2\)$", site.log, re.M)
    assert "spawned uWSGI worker 2" not in site.log


@covers("SC-7")
def test_the_memory_line_counts_all_cores(site: Subject) -> None:
    assert re.search(r"for 8 cores", site.log)


@covers("SC-8")
def test_the_mode_is_told(site: Subject) -> None:
    """The log names the mode of operation, then the app, then the processes."""
    mode = site.wait_for(r"^\*\*\* Operational MODE: preforking\+threaded \*\*\*").start()
    app = site.wait_for(r"^WSGI app 0 \(mountpoint=''\) ready in \d+ seconds").start()
    master = site.wait_for(r"^spawned uWSGI master process").start()
    assert mode < app < master


@covers("SC-9")
def test_the_app_is_loaded_by_the_master(site: Subject) -> None:
    line = site.wait_for(r"^WSGI app 0 \(mountpoint=''\) ready .* pid: (\d+) \(default app\)$")
    assert int(line[1]) == site.pid


class TestOutwards:
    @covers("SC-5")
    def test_a_bare_port_is_every_ipv4_address(self, site: Subject) -> None:
        with urllib.request.urlopen(f"http://127.0.0.2:{site.port}/", timeout=20) as answer:
            assert answer.status == 200

    @covers("SC-10")
    def test_the_processes_are_master_worker_and_router(self, site: Subject) -> None:
        wanted = 3 if re.search(ROUTER, site.log, re.M) else 2
        eventually(lambda: len(tree(site.pid)) == wanted, f"{wanted} processes")

    @covers("SC-4")
    def test_a_static_file_does_not_wait_for_a_busy_core(self, site: Subject) -> None:
        """One core is kept by an unfinished request; the other serves the file."""
        with Client(site.port, request("/", "POST", [("Content-Length", "5")])):
            assert get(site.port, "/style.css").status == 200


@covers("SC-11")
def test_the_five_lines(start: Starter) -> None:
    """The lines that the document shows at the end of the startup of its second file."""
    subject = start(SECOND, files=SITE)
    several = subject.wait_for(r"^\*\*\* uWSGI is running in multiple interpreter mode \*\*\*$")
    master = subject.wait_for(r"^spawned uWSGI master process \(pid: (\d+)\)$")
    worker = subject.wait_for(r"^spawned uWSGI worker 1 \(pid: (\d+), cores: 2\)$")
    offload = subject.wait_for(OFFLOAD)
    router = subject.wait_for(ROUTER)
    assert int(master[1]) == subject.pid
    assert {int(worker[1]), int(router[1])} < set(tree(subject.pid))
    assert several.start() < master.start() < worker.start() < min(offload.start(), router.start())


@covers("SC-1")
def test_a_bare_file_name_is_a_configuration(start: Starter) -> None:
    directory = start.directory(SITE)
    probe = start.launch(FIRST, directory=directory)
    probe.wait_for(OFFLOAD)
    probe.wait_listening(probe.port)
    assert get(probe.port, "/").status == 200
    probe.stop()
    text = (directory / "uwsgi.ini").read_text()
    again = start.launch("", "uwsgi.ini", directory=directory)
    again.wait_for(WORKER)
    port = int(re.findall(r":(\d+)", text)[0])
    assert get(port, "/style.css").status == 200


@covers("SC-12")
def test_several_routers_share_the_address(start: Starter) -> None:
    """`http-processes = 3` makes three routers, all named in the log."""
    subject = start(SECOND + "\nhttp-processes = 3\n", files=SITE)
    pids = {subject.wait_for(rf"^spawned uWSGI http {n} \(pid: (\d+)\)$")[1] for n in (1, 2, 3)}
    assert len(pids) == 3
    assert get(subject.port, "/style.css").status == 200


@covers("SC-13")
def test_a_router_holds_many_open_connections(start: Starter) -> None:
    """Two hundred half-sent heads cost no worker: another client is answered."""
    subject = start(SECOND, files=SITE, until=ROUTER)
    half = request("/")[:-2]
    clients = [Client(subject.port, half) for _ in range(200)]
    try:
        assert get(subject.port, "/").status == 200
        clients[77].send(b"\r\n")
        assert clients[77].rest().status == 200
    finally:
        for client in clients:
            client.sock.close()
