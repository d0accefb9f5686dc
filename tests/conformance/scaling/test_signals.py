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
    covers,
    eventually,
    get,
    listening,
    request,
    touch,
    tree,
)

SITE = """
http-socket = 127.0.0.1:PORT
master = true
processes = 2
module = case_app
"""
SECOND = "spawned uWSGI worker 2"
AGAIN = r"^gracefully \(RE\)spawned uWSGI master process \(pid: (\d+)\)$"


def serving(start: Starter, more: str = "", front: str = "http-socket") -> Subject:
    subject = start(SITE.replace("http-socket", front) + more, until=SECOND)
    assert get(subject.port, "/hello").text == "hello"
    return subject


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


@covers("SC-233")
def test_hangup_reloads_gracefully(start: Starter) -> None:
    """The request in progress is answered; the pid stays; the app is read anew."""
    subject = serving(start)
    old = set(subject.workers().values())
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.signal(signal.SIGHUP)
        subject.wait_for("gracefully killing workers")
        subject.let_go("a")
        assert client.rest().text == "held a"
    reloaded(subject)
    assert not old & set(tree(subject.pid))
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-233", "SC-237")
def test_a_reload_reads_file_and_app_anew(start: Starter) -> None:
    app = "def application(e, s):\n    s('200 OK', [])\n    return [b'{}']\n"
    subject = start(
        SITE.replace("case_app", "app"), files={"app.py": app.format("old")}, until=SECOND
    )
    assert get(subject.port).text == "old"
    (subject.directory / "app.py").write_text(app.format("newer"))
    ini = subject.directory / "uwsgi.ini"
    ini.write_text(ini.read_text().replace("processes = 2", "processes = 3"))
    subject.signal(signal.SIGHUP)
    again = subject.wait_for(AGAIN)
    subject.wait_for(r"^spawned uWSGI worker 3 \(pid", since=again.end())
    assert get(subject.port).text == "newer"


@covers("SC-237")
def test_a_reload_of_a_broken_file_keeps_the_site(start: Starter) -> None:
    subject = serving(start)
    ini = subject.directory / "uwsgi.ini"
    ini.write_text(ini.read_text() + "strict = true\nno-such-option = 1\n")
    since = len(subject.log)
    subject.signal(signal.SIGHUP)
    subject.wait_for("no-such-option", since=since)
    for _ in range(5):
        assert get(subject.port, "/hello").text == "hello"
    assert alive(subject.pid)


class Load:
    """Requests one after the other, each counted by how it ended."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.bad: list[str] = []
        self.good = 0

    def once(self) -> None:
        try:
            answer = get(self.subject.port, "/hello")
        except OSError as error:
            self.bad.append(repr(error))
            return
        if answer.body == b"hello":
            self.good += 1
        else:
            self.bad.append(repr(answer))

    def until(self, pattern: str, since: int) -> None:
        def check() -> bool:
            self.once()
            return bool(re.compile(pattern, re.M).search(self.subject.log, since))

        eventually(check, pattern)
        for _ in range(20):
            self.once()


@covers("SC-234")
@pytest.mark.parametrize("more", ["", "threads = 2\n"])
def test_a_reload_under_load_loses_nothing(start: Starter, more: str) -> None:
    subject = serving(start, more)
    load = Load(subject)
    since = len(subject.log)
    subject.signal(signal.SIGHUP)
    load.until(r"^spawned uWSGI worker 2 \(pid", since)
    assert load.bad == []
    assert load.good > 20


@covers("SC-235")
def test_a_reload_behind_http_loses_nothing(start: Starter) -> None:
    subject = serving(start, front="http")
    load = Load(subject)
    since = len(subject.log)
    subject.signal(signal.SIGHUP)
    load.until(r"spawned uWSGI http 1 \(pid", since)
    assert load.bad == []


@covers("SC-236")
def test_a_worker_without_mercy_is_killed(start: Starter) -> None:
    subject = serving(start, "worker-reload-mercy = 1\n")
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        subject.signal(signal.SIGHUP)
        subject.wait_for(r"worker \d \(pid: \d+\) is taking too much time to die\.\.\.NO MERCY !!!")
        reloaded(subject)
        client.rest()
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-238")
def test_exit_on_reload(start: Starter) -> None:
    subject = serving(start, "exit-on-reload = true\n")
    subject.signal(signal.SIGHUP)
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
    subject.wait_for(r"requests: \d+", limit=8)
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
    subject.ended(limit=8)


@covers("SC-242")
@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("touch-reload", AGAIN),
        ("touch-workers-reload", r"^Respawned uWSGI worker 2"),
        ("touch-chain-reload", "chain reloading complete"),
    ],
)
def test_touching_a_file_reloads(start: Starter, option: str, line: str) -> None:
    subject = start(SITE + f"{option} = DIR/watched\n", files={"watched": ""}, until=SECOND)
    assert get(subject.port, "/hello").text == "hello"
    touch(subject.path("watched"))
    subject.wait_for("has been touched")
    subject.wait_for(line)
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-242")
def test_a_file_that_appears_is_an_event(start: Starter) -> None:
    subject = serving(start, "touch-reload = DIR/later\n")
    subject.wait_for(r"events will be triggered as soon as the file is created")
    touch(subject.path("later"))
    subject.wait_for(AGAIN)


@covers("SC-241")
@pytest.mark.parametrize("option", ["pidfile", "safe-pidfile"])
def test_a_pidfile_names_the_master_and_vacuum_removes_it(start: Starter, option: str) -> None:
    subject = start(
        SITE.replace("127.0.0.1:PORT", "DIR/web.sock") + f"{option} = DIR/pid\nvacuum = true\n",
        until=SECOND,
    )
    assert get(subject.path("web.sock"), "/hello").text == "hello"
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
