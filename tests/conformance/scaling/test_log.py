"""The log: where it goes, the line of a request, formats, titles."""

import os
import re
import signal
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    children,
    covers,
    eventually,
    exchange,
    get,
    post,
    request,
    stats,
    title,
)

APP = """
import time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(2.5)
    status = {"/404": "404 Not Found", "/500": "500 Oops"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain"), ("X-A", "b")])
    if path == "/empty":
        return []
    return [b"0123456789" * (100 if path == "/big" else 1)]
"""
SITE = "http-socket = 127.0.0.1:PORT\nmaster = true\nmodule = app\n"
FILES = {"app.py": APP}
DATE = r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"


@covers("SC-301", "SC-302", "OF-194")
def test_the_line_of_a_request(start: Starter) -> None:
    subject = start(SITE, files=FILES, until=WORKER)
    get(subject.port, "/hello?a=b")
    subject.wait_for(
        rf"^\[pid: {subject.worker()}\|app: 0\|req: 1/1\] 127\.0\.0\.1 \(\) "
        rf"\{{\d+ vars in \d+ bytes\}} \[{DATE}\] GET /hello\?a=b => generated 10 bytes in \d+ "
        r"msecs \(HTTP/1\.1 200\) 2 headers in 53 bytes \(1 switches on core 0\)$"
    )
    get(subject.port, "/404")
    subject.wait_for(r"\|req: 2/2\] .* GET /404 => .* \(HTTP/1\.1 404\) ")


@covers("SC-302")
def test_vars_and_bytes_are_those_of_the_packet(start: Starter) -> None:
    """Two more headers are four more vars, counted name and value."""
    subject = start(SITE, files=FILES, until=WORKER)
    exchange(subject.port, b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n")
    exchange(subject.port, b"GET /two HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-B: c\r\n\r\n")
    one = subject.wait_for(r"\{(\d+) vars in (\d+) bytes\} \[.*\] GET /one")
    two = subject.wait_for(r"\{(\d+) vars in (\d+) bytes\} \[.*\] GET /two")
    assert int(two[1]) - int(one[1]) == 4
    assert int(two[2]) - int(one[2]) == 2 * (2 + len("HTTP_X_A") + 2 + 1)


@covers("SC-302")
def test_the_count_of_requests_survives_the_worker(start: Starter) -> None:
    subject = start(SITE.replace("= app", "= case_app"), until=WORKER)
    get(subject.port, "/one")
    get(subject.port, "/leave/1")
    subject.wait_for("^Respawned uWSGI worker 1")
    get(subject.port, "/two")
    numbers = subject.wait_for(r"\|req: (\d+)/(\d+)\] .* GET /two ")
    assert int(numbers[2]) >= 2


@covers("SC-303")
@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("log-micros = true", r"GET /x => generated 10 bytes in \d+ micros "),
        ("log-x-forwarded-for = true", r"\] 9\.8\.7\.6 \(\) \{.* GET /x "),
        (
            "memory-report = true",
            r"^\{address space usage: \d+ bytes/\d+MB\} \{rss usage: \d+ bytes/\d+MB\} \[pid: ",
        ),
    ],
)
def test_switches_of_the_line(start: Starter, line: str, pattern: str) -> None:
    subject = start(SITE + line + "\n", files=FILES)
    get(subject.port, "/x", ("X-Forwarded-For", "9.8.7.6"))
    subject.wait_for(pattern)


@covers("SC-304")
def test_a_format_of_ones_own(start: Starter) -> None:
    names = "method uri proto status addr user host uagent referer size hsize rsize cl wid core"
    names += " headers switches var.HTTP_X_A nosuch"
    form = " ".join(f"{name}=%({name})" for name in names.split())
    subject = start(SITE + f"log-format = MARK {form} END\n", files=FILES, until=WORKER)
    post(subject.port, "/cl?x=1", b"12345", ("User-Agent", "ua/1"), ("X-A", "mine"))
    line = subject.wait_for("^MARK (.*) END$")[1]
    assert line == (
        "method=POST uri=/cl?x=1 proto=HTTP/1.1 status=200 addr=127.0.0.1 user=- host=localhost "
        "uagent=ua/1 referer=- size=63 hsize=53 rsize=10 cl=5 wid=1 core=0 headers=2 switches=1 "
        "var.HTTP_X_A=mine nosuch=-"
    )


@covers("SC-304")
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("pid", r"\d+"),
        ("msecs", r"\d+"),
        ("micros", r"\d+"),
        ("epoch", r"\d{10}"),
        ("time", r"\d{10}"),
        ("vars", r"\d+"),
        ("pktsize", r"\d+"),
        ("ctime", DATE),
        ("ltime", r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"),
    ],
)
def test_changing_words_of_a_format(start: Starter, name: str, pattern: str) -> None:
    subject = start(SITE + f"logformat = MARK %({name}) END\n", files=FILES)
    get(subject.port, "/x")
    subject.wait_for(f"^MARK {pattern} END$")


@covers("SC-305")
@pytest.mark.parametrize(
    ("more", "logged"),
    [
        ("", set()),
        ("log-4xx = true\n", {"/404"}),
        ("log-5xx = true\n", {"/500"}),
        ("log-slow = 2000\n", {"/slow"}),
        ("log-zero = true\n", {"/empty"}),
        ("log-big = 100\n", {"/big"}),
    ],
)
def test_request_lines_may_be_switched_off(start: Starter, more: str, logged: set[str]) -> None:
    subject = start(SITE + "disable-logging = true\n" + more, files=FILES, until=WORKER)
    for path in ("/ok", "/404", "/500", "/slow", "/empty", "/big"):
        get(subject.port, path)
    for path in logged:
        subject.wait_for(f"GET {path} ")
    assert set(re.findall(r"GET (/\S+) =>", subject.log)) == logged


@covers("SC-300")
@pytest.mark.parametrize("option", ["logto", "logto2"])
def test_the_log_goes_to_a_file(start: Starter, option: str) -> None:
    subject = start(SITE + f"{option} = DIR/to.log\n", files=FILES)
    get(subject.port, "/hello")
    file = subject.directory / "to.log"
    eventually(lambda: file.exists() and "GET /hello =>" in file.read_text(), "the line")


@covers("SC-300")
def test_a_daemon_leaves_and_logs_to_its_file(start: Starter) -> None:
    """The process that was started ends with 0 while the server goes on."""
    subject = start.launch(SITE + "daemonize = DIR/to.log\npidfile = DIR/pid\n", files=FILES)
    assert subject.ended() == 0
    file = subject.directory / "to.log"
    eventually(lambda: file.exists() and "spawned uWSGI worker" in file.read_text(), "a worker")
    assert get(subject.port, "/hello").status == 200
    eventually(lambda: "GET /hello =>" in file.read_text(), "the line")
    os.kill(int((subject.directory / "pid").read_text()), signal.SIGINT)
    eventually(lambda: not subject.family(), "the daemon has ended")


@covers("SC-300")
def test_loggers_to_files(start: Starter) -> None:
    subject = start(
        SITE + "req-logger = file:DIR/req.log\nlogger = file:DIR/app.log\n", files=FILES
    )
    get(subject.port, "/hello")
    requests = subject.directory / "req.log"
    eventually(lambda: requests.exists() and "GET /hello =>" in requests.read_text(), "the line")
    rest = subject.directory / "app.log"
    eventually(lambda: rest.exists() and "spawned uWSGI worker" in rest.read_text(), "the rest")
    assert "GET /hello" not in rest.read_text()


@covers("SC-306")
def test_log_date_dates_the_lines_of_the_master(start: Starter) -> None:
    subject = start(SITE + "log-date = true\n", files=FILES)
    subject.wait_for(rf"^{DATE} - spawned uWSGI worker 1 ")
    get(subject.port, "/x")
    subject.wait_for(r"^\[pid: \d+\|app")


@covers("SC-307")
def test_processes_have_titles(start: Starter) -> None:
    subject = start(
        SITE.replace("http-socket", "http") + "auto-procname = true\n", files=FILES, until=WORKER
    )
    get(subject.port)
    wanted = {"uWSGI worker 1", "uWSGI http 1"}
    eventually(lambda: {title(pid) for pid in children(subject.pid)} == wanted, "titles")
    assert title(subject.pid) == "uWSGI master"


@covers("SC-307")
def test_titles_may_have_a_prefix(start: Starter) -> None:
    subject = start(
        SITE + "auto-procname = true\nprocname-prefix-spaced = mine\n", files=FILES, until=WORKER
    )
    get(subject.port)
    eventually(lambda: title(subject.pid) == "mine uWSGI master", "the title")


@covers("SC-308", "OF-170")
def test_the_stats_of_a_worker(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        stats = 127.0.0.1:PORT1
        processes = 2
        cheaper = 1
        module = case_app
        """,
        until=WORKER,
    )
    for _ in range(3):
        get(subject.port, "/hello")
    stats_port = subject.ports["PORT1"]

    def rested() -> Any:
        found = stats(stats_port)
        first = found["workers"][0]
        return found if (first["requests"], first["status"]) == (3, "idle") else None

    shown = eventually(rested, "three requests, and an idle worker")
    first, unborn = shown["workers"]
    assert shown["pid"] == subject.pid
    assert (first["id"], first["pid"], first["status"]) == (1, subject.worker(), "idle")
    assert (first["respawn_count"], first["accepting"]) == (1, 1)
    assert first["tx"] > 0
    assert first["avg_rt"] >= 0
    assert first["apps"][0]["requests"] == 3
    assert (unborn["pid"], unborn["status"]) == (0, "cheap")
    assert shown["sockets"][0]["name"].endswith(str(subject.port))
    assert shown["sockets"][0]["max_queue"] in (0, 100)
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        worker = stats(stats_port)["workers"][0]
        assert worker["status"] == "busy"
        assert worker["cores"][0]["in_request"] == 1
        assert "PATH_INFO=/hold/a" in worker["cores"][0]["vars"]
        subject.let_go("a")
        client.rest()
