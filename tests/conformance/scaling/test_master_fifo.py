"""master-fifo: single letters that command the master."""

import re

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    Subject,
    awake,
    covers,
    eventually,
    get,
    request,
    stats,
    write_fifo,
)

SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
master-fifo = DIR/fifo
processes = 2
module = case_app
"""
VASSAL = "[uwsgi]\nsocket = {}.sock\nmaster = true\n"
AGAIN = r"^gracefully \(RE\)spawned uWSGI master process \(pid: (\d+)\)$"


def serving(start: Starter, more: str = "", front: str = "http-socket") -> Subject:
    subject = start(SITE.replace("http-socket", front) + more, until="spawned uWSGI worker 1 ")
    awake(subject, 1 if "cheaper" in more else 2)
    return subject


def command(subject: Subject, letters: str, name: str = "fifo") -> None:
    write_fifo(subject.directory / name, letters)


def live(subject: Subject) -> int:
    return sum(1 for worker in stats(subject.ports["PORT1"])["workers"] if worker["pid"])


@covers("SC-243")
@pytest.mark.parametrize("front", ["http-socket", "http"])
def test_c_replaces_one_worker_after_the_other(start: Starter, front: str) -> None:
    """No request fails meanwhile."""
    subject = serving(start, front=front)
    command(subject, "c")
    subject.wait_for("chain reload starting")

    def complete() -> bool:
        assert get(subject.port, "/hello").text == "hello"
        return "chain reloading complete" in subject.log

    eventually(complete, "the chain is complete")
    first = subject.wait_for("chain next victim is worker 1").start()
    assert first < subject.wait_for("chain next victim is worker 2").start()
    assert len(re.findall(r"^Respawned uWSGI worker \d", subject.log, re.M)) == 2


@covers("SC-244")
@pytest.mark.parametrize("letter", ["w", "W"])
def test_w_replaces_the_workers_and_keeps_the_app(start: Starter, letter: str) -> None:
    app = "from case_app import application, ANSWERS\nANSWERS[''] = lambda *_: b'{}'\n"
    subject = start(
        SITE.replace("case_app", "app"),
        files={"app.py": app.format("old")},
        until="spawned uWSGI worker 2",
    )
    awake(subject, 2)
    assert get(subject.port).text == "old"
    (subject.directory / "app.py").write_text(app.format("newer"))
    command(subject, letter)
    for number in (1, 2):
        subject.wait_for(rf"^Respawned uWSGI worker {number} \(new pid: \d+\)")
    assert get(subject.port).text == "old"


@covers("SC-245")
@pytest.mark.parametrize("letter", ["r", "R"])
def test_r_reloads(start: Starter, letter: str) -> None:
    subject = serving(start)
    command(subject, letter)
    subject.wait_for(AGAIN)
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-245")
@pytest.mark.parametrize("front", ["http-socket", "http"])
def test_q_ends_gracefully(start: Starter, front: str) -> None:
    subject = serving(start, front=front)
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        command(subject, "q")
        subject.wait_for("graceful shutdown triggered")
        subject.let_go("a")
        assert client.rest().text == "held a"
    assert subject.ended() == 0


@covers("SC-245")
def test_capital_q_ends_at_once(start: Starter) -> None:
    subject = serving(start)
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        command(subject, "Q")
        assert subject.ended() == 0
        assert client.rest().raw == b""


@covers("SC-246")
def test_p_pauses_and_resumes(start: Starter) -> None:
    subject = serving(start)
    command(subject, "p")
    for number in (1, 2):
        subject.wait_for(rf"worker {number} suspended")
    with Client(subject.port, request("/hello")) as client:
        command(subject, "p")
        assert client.rest().text == "hello"


@covers("SC-246")
def test_s_prints(start: Starter) -> None:
    subject = serving(start)
    command(subject, "s")
    subject.wait_for(r"requests: \d+")


@covers("SC-246")
def test_unknown_letters_mean_nothing(start: Starter) -> None:
    subject = serving(start)
    command(subject, "xyz\n")
    command(subject, "s")
    subject.wait_for(r"requests: \d+")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-44", "SC-246")
def test_plus_and_minus_change_the_count(start: Starter) -> None:
    """With the manual algorithm only they do; plus is bounded by processes, minus by cheaper."""
    subject = serving(
        start, "cheaper = 1\ncheaper-algo = manual\n".replace("processes = 2", "processes = 3")
    )
    assert live(subject) == 1
    command(subject, "+++")
    eventually(lambda: live(subject) == 2, "two workers")
    command(subject, "-")
    eventually(lambda: live(subject) == 1, "one worker")
    command(subject, "-")
    assert get(subject.port, "/hello").text == "hello"
    command(subject, "s")
    subject.wait_for(r"requests: \d+")
    assert live(subject) == 1


@covers("SC-45")
def test_plus_works_with_any_algorithm(start: Starter) -> None:
    """The algorithm may take the worker away again."""
    subject = serving(start, "cheaper = 1\ncheaper-overload = 1\n")
    command(subject, "+")
    subject.wait_for(r"^spawned uWSGI worker 2 ")
    eventually(lambda: live(subject) == 1, "the algorithm has its way")


@covers("SC-246")
def test_capital_c_goes_cheap_until_somebody_comes(start: Starter) -> None:
    subject = serving(start)
    command(subject, "C")
    subject.wait_for("going cheap")
    subject.wait_for("cheap mode enabled: waiting for socket connection")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-246")
def test_capital_p_writes_the_pid_anew(start: Starter) -> None:
    subject = serving(start, "pidfile = DIR/pid\n")
    file = subject.directory / "pid"
    eventually(file.exists, "the pidfile")
    file.unlink()
    command(subject, "P")
    eventually(lambda: file.exists() and file.read_text().strip(), "the pidfile again")
    assert int(file.read_text()) == subject.pid


@covers("SC-247")
def test_digits_choose_the_fifo(start: Starter) -> None:
    subject = serving(start, "master-fifo = DIR/second\n")
    command(subject, "1")
    subject.wait_for("active master fifo is now .*second")
    command(subject, "s", "second")
    subject.wait_for(r"requests: \d+")


@covers("SC-352")
def test_capital_e_has_the_emperor_look(start: Starter) -> None:
    subject = start(
        SITE + "emperor = DIR/vassals\nemperor-freq = 600\n",
        files={"vassals/first.ini": VASSAL.format("first")},
        until="vassal first.ini is ready to accept requests",
    )
    subject.directory.joinpath("vassals/second.ini").write_text(VASSAL.format("second"))
    command(subject, "E")
    subject.wait_for("vassal second.ini is ready to accept requests")


@covers("SC-353", kind="beyond")
@pytest.mark.parametrize("letter", ["B", "E", "f"])
def test_letters_that_are_not_obeyed_are_answered(start: Starter, letter: str) -> None:
    subject = serving(start)
    command(subject, letter)
    subject.wait_for(f"^master-fifo: {letter}: ")
    assert get(subject.port, "/hello").text == "hello"
