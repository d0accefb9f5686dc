"""Reloads while clients ask the workers' own sockets: none of them notices."""

import random
import signal
import time

import pytest

from tests.conformance.harness import Starter, Subject, eventually, get
from tests.integration.around import zombies
from tests.integration.load import Load, http, uwsgi

SITE = """
http-socket = 127.0.0.1:PORT
socket = DIR/site.sock
master = true
processes = 2
threads = 2
offload-threads = 1
vacuum = true
module = case_app
"""
AGAIN = r"^gracefully \(RE\)spawned uWSGI master process \(pid: (\d+)\)$"
LAST = r"^spawned uWSGI worker 2 \(pid"


def serving(start: Starter) -> Subject:
    return start(SITE, until=LAST)


def reload(subject: Subject) -> None:
    """Reload, and wait until all of the new generation is there."""
    since = len(subject.log)
    subject.signal(signal.SIGHUP)
    again = subject.wait_for(AGAIN, since=since)
    assert int(again[1]) == subject.pid
    subject.wait_for(LAST, since=since + 1)


@pytest.mark.timeout(300)
def test_twenty_reloads_lose_no_request(start: Starter) -> None:
    subject = serving(start)
    path = subject.path("site.sock")
    with Load([http(subject.port), http(subject.port), uwsgi(path), uwsgi(path)]) as load:
        for _ in range(20):
            reload(subject)
            load.wait_more(4)
    assert load.failures == []
    eventually(lambda: len(subject.family()) == 3, "master and two workers are all there is")


def test_signals_at_any_moment_of_a_reload_do_no_harm(start: Starter) -> None:
    """SIGHUP is no end, wherever a generation is in its life: the one going, the one coming."""
    subject = serving(start)
    moments = random.Random(5)
    with Load([http(subject.port), uwsgi(subject.path("site.sock"))]) as load:
        for _ in range(20):
            subject.signal(signal.SIGHUP)
            time.sleep(moments.uniform(0.0, 0.25))
        load.wait_more(20)
        subject.wait_for(AGAIN)
    assert load.failures == []
    assert subject.process.poll() is None
    eventually(lambda: not zombies(subject.pid), "all trials of a reload are reaped")
    assert get(subject.port, "/hello").text == "hello"
