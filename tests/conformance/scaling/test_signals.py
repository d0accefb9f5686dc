"""Signals to the master: stop, reload, pause, print."""

import os
import re
import signal

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    alive,
    awake,
    covers,
    eventually,
    get,
    listening,
    request,
)
from tests.conformance.scaling.pair import AGAIN, SECOND, SITE, serving


def reloaded(subject: Subject, since: int = 0) -> None:
    """Wait until the new image has its workers."""
    again = subject.wait_for(AGAIN, since=since)
    assert int(again[1]) == subject.pid
    subject.wait_for(r"^spawned uWSGI worker 2 \(pid", since=again.end())


@covers("SC-230")
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("front", ["http-socket", "http"])
def test_interrupt_and_quit_end_everything(start: Starter, front: str, sig: int) -> None:
    subject = serving(start, front=front)
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.signal(sig)
        assert subject.ended() == 0
        assert client.rest().raw == b""
    eventually(lambda: not subject.family(), "all processes have ended")
    assert not listening(subject.port)
    subject.wait_for("goodbye to uWSGI")


@covers("SC-231")
def test_term_reloads_at_once(start: Starter) -> None:
    subject = serving(start)
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.signal(signal.SIGTERM)
        reloaded(subject)
        assert client.rest().raw == b""
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-232")
@pytest.mark.parametrize("line", ["die-on-term = true", "hook-master-start = unix_signal:15 GK"])
def test_term_may_end(start: Starter, line: str) -> None:
    subject = serving(start, line.replace("GK", "gracefully_kill_them_all") + "\n")
    subject.signal(signal.SIGTERM)
    assert subject.ended() == 0


@covers("SC-232")
def test_with_die_on_term_quit_reloads(start: Starter) -> None:
    subject = serving(start, "die-on-term = true\n")
    subject.signal(signal.SIGQUIT)
    reloaded(subject)
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-248")
def test_the_hook_makes_term_a_graceful_end(start: Starter) -> None:
    """The request in progress is answered, then the exit code is 0."""
    subject = serving(start, "hook-master-start = unix_signal:15 gracefully_kill_them_all\n")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        since = len(subject.log)
        subject.signal(signal.SIGTERM)
        subject.wait_for("graceful", since=since)
        subject.let_go("a")
        assert client.rest().text == "held a"
    assert subject.ended() == 0


@covers("SC-239")
def test_usr1_prints_and_goes_on(start: Starter) -> None:
    subject = serving(start)
    subject.signal(signal.SIGUSR1)
    subject.wait_for(r"worker\s+(\d+ )?.*requests: \d+")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-239")
def test_tstp_pauses_and_resumes(start: Starter) -> None:
    """Clients of a paused server wait; after the second signal they are answered."""
    subject = serving(start)
    subject.signal(signal.SIGTSTP)
    subject.wait_for(r"\*\*\* PAUSE")
    for number in (1, 2):
        subject.wait_for(rf"worker {number} suspended")
    with Client(subject.port, request("/hello")) as client:
        subject.signal(signal.SIGTSTP)
        assert client.rest().text == "hello"
    subject.wait_for(r"worker 1 resumed")


@covers("SC-239")
def test_usr2_does_not_end_the_master(start: Starter) -> None:
    subject = serving(start)
    subject.signal(signal.SIGUSR2)
    subject.signal(signal.SIGUSR1)
    subject.wait_for(r"requests: \d+", limit=15)
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-239")
@pytest.mark.parametrize("sig", [signal.SIGURG, signal.SIGWINCH, signal.SIGPIPE])
def test_some_signals_mean_nothing(start: Starter, sig: int) -> None:
    subject = serving(start)
    subject.signal(sig)
    assert get(subject.port, "/hello").text == "hello"
    assert alive(subject.pid)


@covers("SC-240")
def test_interrupt_during_the_import_ends_the_start(start: Starter) -> None:
    app = """
import time, os
print("importing", flush=True)
for _ in range(600):
    time.sleep(0.05)
def application(environ, start_response): ...
"""
    subject = start.launch(SITE.replace("case_app", "slow"))
    (subject.directory / "slow.py").write_text(app)
    subject.wait_for("^importing")
    subject.tracebacks = True
    subject.signal(signal.SIGINT)
    subject.ended(limit=20)


@covers("SC-241")
@pytest.mark.parametrize("option", ["pidfile", "safe-pidfile"])
def test_a_pidfile_names_the_master_and_vacuum_removes_it(start: Starter, option: str) -> None:
    subject = start(
        SITE.replace("127.0.0.1:PORT", "DIR/web.sock") + f"{option} = DIR/pid\nvacuum = true\n",
        until=SECOND,
    )
    awake(subject, 2, subject.path("web.sock"))
    assert int((subject.directory / "pid").read_text()) == subject.pid
    assert subject.stop() == 0
    assert not os.path.exists(subject.path("pid"))
    assert not os.path.exists(subject.path("web.sock"))


@covers("SC-241")
def test_stop_and_reload_by_pidfile(start: Starter) -> None:
    subject = serving(start, "pidfile = DIR/pid\n")
    done = start.run("", "--reload", subject.path("pid"))
    assert done.code == 0
    reloaded(subject)
    assert get(subject.port, "/hello").text == "hello"
    assert start.run("", "--stop", subject.path("pid")).code == 0
    assert subject.ended() == 0


@covers("SC-241")
def test_stop_without_a_pidfile_or_process(start: Starter) -> None:
    assert start.run("", "--stop", "/tmp/there-is-no-such-pidfile").code == 1
    directory = start.directory({"pid": "2147483646\n"})
    assert start.run("", "--stop", str(directory / "pid")).code not in (0, None)


@covers("SC-230", "SC-212")
def test_the_log_names_what_was_buried(start: Starter) -> None:
    subject = start(SITE.replace("http-socket", "http"), until=WORKER)
    assert get(subject.port, "/hello").text == "hello"
    subject.signal(signal.SIGINT)
    assert subject.ended() == 0
    assert re.search(r'gateway "uWSGI http 1" has been buried \(pid: \d+\)', subject.log)
    assert re.search(r"worker 1 buried after \d+ second", subject.log)
