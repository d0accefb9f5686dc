"""Reloads: by signal, by a touched file, under load, of a broken file."""

import re
import signal

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    alive,
    awake,
    covers,
    eventually,
    get,
    request,
    touch,
    tree,
)
from tests.conformance.scaling.pair import AGAIN, SECOND, SITE, serving


def reloaded(subject: Subject, since: int = 0) -> None:
    """Wait until the new image has its workers."""
    again = subject.wait_for(AGAIN, since=since)
    assert int(again[1]) == subject.pid
    subject.wait_for(r"^spawned uWSGI worker 2 \(pid", since=again.end())


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
    app = "from case_app import application, ANSWERS\nANSWERS[''] = lambda *_: b'{}'\n"
    subject = start(
        SITE.replace("case_app", "app"), files={"app.py": app.format("old")}, until=SECOND
    )
    awake(subject, 2)
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
    awake(subject, 2)
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
