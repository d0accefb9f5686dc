"""The log through the master: several places, encoders, routes, rotation."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Starter,
    Subject,
    children,
    covers,
    eventually,
    get,
    title,
    write_fifo,
)

APP = """
import sys
print("printed while imported", flush=True)
def application(environ, start_response):
    print(f"printed {environ['PATH_INFO']}\\n", end="", flush=True)
    sys.stderr.write('quo"ted ERROR\\n')
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
SITE = "http-socket = 127.0.0.1:PORT\nmaster = true\nmodule = app\n"
FILES = {"app.py": APP}


def holds(path: Path, *words: str) -> str:
    """Wait until a file holds all of these."""

    def all_there() -> str:
        text = path.read_text(errors="replace") if path.exists() else ""
        return text if all(word in text for word in words) else ""

    found: str = eventually(all_there, f"{words} in {path.name}")
    return found


def asked(start: Starter, more: str) -> Subject:
    subject = start(SITE + more, files=FILES)
    get(subject.port, "/hello")
    return subject


@covers("SC-340")
def test_all_that_is_printed_goes_through_the_master(start: Starter) -> None:
    subject = asked(start, "log-master = true\n")
    for words in ("printed while imported", "printed /hello", 'quo"ted', "GET /hello =>"):
        subject.wait_for(words)


@covers("SC-340", "SC-341")
@pytest.mark.parametrize("more", ["", "log-master-stream = true\n"], ids=["messages", "lines"])
def test_encoders_make_json(start: Starter, more: str) -> None:
    """Each message is one object, whoever printed it."""
    pattern = '{"msg": "${msg}", "t": ${unix}, "d": "${strftime:%%Y}"}'
    subject = asked(
        start, f"logto = DIR/log\nlog-encoder = json {pattern}\nlog-encoder = nl\n{more}"
    )
    text = holds(subject.directory / "log", "quo", "GET /hello", "printed while")
    shown = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    words = [each["msg"] for each in shown]
    assert 'quo"ted ERROR' in words
    assert "printed /hello" in words
    assert all(each["t"] > 10**9 and len(each["d"]) == 4 for each in shown)


@covers("SC-342")
def test_a_route_leads_to_a_named_logger_only(start: Starter) -> None:
    subject = asked(
        start,
        """
        logger = errors file:DIR/errors.log
        logger = file:DIR/all.log
        log-route = errors ERROR
        log-encoder = format:errors <${msg}>
        log-encoder = nl:errors
        """,
    )
    errors = holds(subject.directory / "errors.log", "quo")
    rest = holds(subject.directory / "all.log", "printed /hello", "GET /hello")
    assert errors == '<quo"ted ERROR>\n'
    assert "ERROR" not in rest


@covers("SC-342")
def test_drained_lines_are_lost(start: Starter) -> None:
    subject = asked(start, "logto = DIR/log\nlog-drain = GET /hello\n")
    get(subject.port, "/other")
    text = holds(subject.directory / "log", "GET /other")
    assert "printed /hello" in text
    assert "GET /hello" not in text


@covers("SC-342")
def test_a_filter_lets_through_what_matches(start: Starter) -> None:
    subject = asked(start, "logto = DIR/log\nlog-filter = GET\n")
    text = holds(subject.directory / "log", "GET /hello")
    assert "printed" not in text


@covers("SC-343")
@pytest.mark.parametrize(
    "more",
    [
        "logto = DIR/log\nlog-maxsize = 600\nlog-backupname = DIR/aside\n",
        "logger = file:logfile=DIR/log,maxsize=600,backupname=DIR/aside\n",
    ],
    ids=["logto", "logger"],
)
def test_a_long_log_is_put_aside(start: Starter, more: str) -> None:
    subject = start(SITE + more, files=FILES)
    for _ in range(8):
        get(subject.port, "/hello")
    holds(subject.directory / "aside", "printed")


@covers("SC-343")
def test_the_time_is_the_name_of_what_is_put_aside(start: Starter) -> None:
    subject = start(SITE + "logto = DIR/log\nlog-maxsize = 600\n", files=FILES)
    for _ in range(8):
        get(subject.port, "/hello")
    found = eventually(lambda: list(subject.directory.glob("log.*")), "a file put aside")
    assert found[0].name.removeprefix("log.").split(".")[0].isdigit()


@covers("SC-343")
@pytest.mark.parametrize("how", ["touch-logrotate", "fifo"])
def test_a_log_is_put_aside_on_demand(start: Starter, how: str) -> None:
    subject = start(
        SITE + "logto = DIR/log\nlog-backupname = DIR/aside\nmaster-fifo = DIR/fifo\n"
        "log-master = true\ntouch-logrotate = DIR/touched\n",
        files=FILES | {"touched": ""},
    )
    get(subject.port, "/hello")
    holds(subject.directory / "log", "GET /hello")
    if how == "fifo":
        write_fifo(subject.directory / "fifo", "L")
    else:
        os.utime(subject.directory / "touched", (2 * 10**9, 2 * 10**9))
    holds(subject.directory / "aside", "GET /hello")
    get(subject.port, "/after")
    holds(subject.directory / "log", "GET /after")


@covers("SC-300")
@pytest.mark.parametrize("option", ["logger", "req-logger"])
def test_unknown_loggers_are_refused(start: Starter, option: str) -> None:
    ended = start.run(SITE + f"{option} = nosuch:x\n", files=FILES)
    assert ended.code == 1
    assert "unable to find logger nosuch" in ended.log


@covers("SC-344", kind="beyond")
def test_a_reload_and_a_killed_logger_lose_no_line(start: Starter) -> None:
    """The process that writes the log is replaced when it dies, and the next generation has one."""
    subject = start(
        SITE + "logger = file:DIR/one\nlogger = file:DIR/two\nauto-procname = true\n",
        files=FILES,
    )
    one, two = subject.directory / "one", subject.directory / "two"
    holds(one, "spawned uWSGI worker 1")

    def logger() -> int:
        found = [pid for pid in children(subject.pid) if title(pid) == "uWSGI logger"]
        return found[0] if len(found) == 1 else 0

    first = eventually(logger, "the logger")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: logger() not in (0, first), "another logger")
    get(subject.port, "/hello")
    holds(one, "GET /hello")
    holds(two, "GET /hello")
    os.kill(subject.pid, signal.SIGHUP)
    holds(one, "gracefully (RE)spawned uWSGI master")
    get(subject.port, "/again")
    holds(two, "GET /again")
    eventually(lambda: logger(), "only one logger")
