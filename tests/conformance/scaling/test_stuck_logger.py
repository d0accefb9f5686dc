"""A process that writes the log and does not: nothing else waits for it."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Starter,
    Subject,
    alive,
    children,
    covers,
    eventually,
    get,
    title,
)

APP = """
import sys
def application(environ, start_response):
    for number in range(200):
        print("printed", number, "x" * 500)
        sys.stderr.write(f"written {number}\\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
SITE = (
    "http-socket = 127.0.0.1:PORT\nmaster = true\nwsgi-file = flood.py\nprocesses = 2\n"
    "auto-procname = true\nlogger = one file:DIR/one\nlogger = file:DIR/two\n"
    "log-route = one printed\n"
)
FILES = {"flood.py": APP}
REQUESTS = 4  # each prints more than the pipe holds


def loggers(subject: Subject) -> list[int]:
    return [pid for pid in children(subject.pid) if title(pid) == "uWSGI logger"]


def text_of(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def logger_of(subject: Subject) -> int:
    subject.wait_listening(subject.port)
    eventually(lambda: len(loggers(subject)) == 1, "the logger")
    return loggers(subject)[0]


def replaced(subject: Subject, before: int) -> bool:
    return loggers(subject) not in ([], [before])


@covers("SC-351", kind="beyond")
def test_requests_go_on_while_the_logger_is_stopped(start: Starter) -> None:
    subject = start(SITE, files=FILES)
    logger = logger_of(subject)
    os.kill(logger, signal.SIGSTOP)
    for _ in range(REQUESTS):
        assert get(subject.port, "/").text == "hello"
    os.kill(logger, signal.SIGCONT)

    def told() -> bool:
        get(subject.port, "/")  # who lost something says so when it has something to say
        return "were lost by process" in text_of(subject.directory / "two")

    eventually(told, "the count of what was lost")
    eventually(lambda: "GET / =>" in text_of(subject.directory / "two"), "a request's line")


@covers("SC-351", kind="beyond")
def test_requests_go_on_while_the_logger_is_killed(start: Starter) -> None:
    subject = start(SITE, files=FILES)
    logger = logger_of(subject)
    for _ in range(REQUESTS):
        os.kill(logger, signal.SIGKILL)
        assert get(subject.port, "/").text == "hello"
        eventually(partial(replaced, subject, logger), "another logger")
        logger = loggers(subject)[0]
    get(subject.port, "/last")
    eventually(lambda: "GET /last" in text_of(subject.directory / "two"), "the last line")


@covers("SC-351", kind="beyond")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_logger_holds_up_no_end_and_no_reload(
    start: Starter, how: signal.Signals
) -> None:
    subject = start(SITE + "die-on-term = true\n", files=FILES)
    logger = logger_of(subject)
    os.kill(logger, signal.SIGSTOP)
    assert get(subject.port, "/").text == "hello"
    os.kill(subject.pid, how)
    eventually(lambda: not alive(logger), "the end of the logger")  # it wrote what it had
    if how == signal.SIGHUP:
        eventually(lambda: get(subject.port, "/again").text == "hello", "the next generation")
        eventually(lambda: "GET /again" in text_of(subject.directory / "two"), "its line")
    else:
        subject.ended()


@covers("SC-351", kind="beyond")
def test_a_place_that_takes_nothing_holds_up_nothing(start: Starter) -> None:
    """Nobody reads from a fifo; at the end its writer gives up."""
    place = start.directory(FILES)
    os.mkfifo(place / "one")
    subject = start.launch(SITE, directory=place)
    logger = logger_of(subject)
    for _ in range(REQUESTS):
        assert get(subject.port, "/").text == "hello"
    assert loggers(subject) == [logger]
    os.kill(subject.pid, signal.SIGINT)
    subject.ended()
    eventually(lambda: not alive(logger), "the end of the logger", 30)


@covers("SC-351", kind="beyond")
def test_a_full_disk_holds_up_nothing(start: Starter) -> None:
    subject = start(SITE.replace("DIR/two", "/dev/full"), files=FILES)
    logger = logger_of(subject)
    for _ in range(REQUESTS):
        assert get(subject.port, "/").text == "hello"
    eventually(lambda: "printed 199" in text_of(subject.directory / "one"), "the other place")
    assert loggers(subject) == [logger]
