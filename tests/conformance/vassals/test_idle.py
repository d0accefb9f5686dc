"""--idle and --die-on-idle: the four combinations, with and without an emperor."""

import concurrent.futures
import os
import re
import signal
import time

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    ask,
    children,
    covers,
    eventually,
    get,
    listening,
    packet,
    request,
    request_vars,
)
from tests.conformance.vassals.empire import Empire, added, asked, rule

SLEEPY = ("idle = 1", "die-on-idle = true")
ASLEEP = r"\[uwsgi-emperor\] {} -> back to \"on demand\" mode, waiting for connections on socket"


@pytest.fixture(scope="module")
def empire(start_module: Starter) -> Empire:
    """One emperor for all cases; the vassals that need time to fall asleep begin at once."""
    empire = rule(start_module, "--emperor-on-demand-extension", ".socket")
    for name, *lines in (
        ("dies", *SLEEPY),
        ("vacuums", *SLEEPY, "vacuum = true"),
        ("goes", *SLEEPY),
        ("rests", "idle = 1", "workers = 2"),
        ("endless", "die-on-idle = true"),
    ):
        asked(added(empire, name, *lines))
    return empire


def asleep(empire: Empire, name: str, since: int = 0) -> None:
    """Wait until a vassal is back in on-demand mode."""
    empire.subject.wait_for(ASLEEP.format(re.escape(name)), since=since)


@covers("OD-50", "OD-51", "OD-52", "OD-58", "OD-79")
def test_idle_alone_stops_the_workers_and_a_connection_brings_them_back(empire: Empire) -> None:
    master = empire.pid("rests.ini")
    empire.subject.wait_for(r"^workers have been inactive for more than 1 seconds \(\d+-\d+\)$")
    empire.subject.wait_for(r"^cheap mode enabled: waiting for socket connection...$")
    eventually(lambda: not children(master), "all workers are gone")
    assert empire.row("rests.ini")["pid"] == master
    again = asked(empire.path("rests.sock"))
    assert again["master"] == master
    empire.subject.wait_for(rf"worker \d \(.*pid: {again['worker']}\b")


@covers("OD-53", "OD-54", "OD-78")
def test_die_on_idle_brings_a_vassal_back_to_sleep_any_number_of_times(empire: Empire) -> None:
    inode = os.stat(empire.path("dies.sock")).st_ino
    asleep(empire, "dies.ini")
    row = empire.row("dies.ini")
    assert (row["pid"], row["ready"], row["accepting"]) == (-1, 0, 0)
    log = empire.log
    assert re.search(r"- \[emperor\] bringing back instance dies.ini to on-demand mode$", log, re.M)
    assert re.search(r"- \[emperor\] curse the uwsgi instance dies.ini \(pid: \d+\)$", log, re.M)
    assert "goodbye to uWSGI." in log
    first = asked(empire.path("dies.sock"))["master"]
    asleep(empire, "dies.ini", since=len(log))
    assert asked(empire.path("dies.sock"))["master"] != first
    assert os.stat(empire.path("dies.sock")).st_ino == inode


@covers("OD-55")
def test_the_decision_falls_after_the_time_of_idle(empire: Empire) -> None:
    found = empire.subject.wait_for(r"inactive for more than 1 seconds \((\d+)-(\d+)\)$")
    assert 1 <= int(found[1]) - int(found[2]) <= 10


@covers("OD-57")
def test_vacuum_does_not_remove_the_socket_that_was_handed_over(empire: Empire) -> None:
    asleep(empire, "vacuums.ini")
    assert asked(empire.path("vacuums.sock"))["path"] == "/"


@covers("OD-64", "OD-65")
def test_what_changes_while_it_sleeps_again_counts_at_the_next_start(empire: Empire) -> None:
    asleep(empire, "goes.ini")
    empire.put("goes.ini", *SLEEPY, mark="new")
    empire.subject.wait_for(r'updated configuration for "on demand" instance goes.ini$')
    assert empire.row("goes.ini")["pid"] == -1
    assert asked(empire.path("goes.sock"))["environ"]["MARK"] == "new"
    asleep(empire, "goes.ini", since=len(empire.log))
    empire.remove("goes.ini")
    empire.gone("goes.ini")
    assert not listening(empire.path("goes.sock"))


@covers("OD-56")
def test_a_server_inside_a_request_is_not_idle(empire: Empire) -> None:
    address = added(empire, "busy", *SLEEPY)
    assert asked(address, "/sleep?3.5")["path"] == "/sleep"


@covers("OD-56")
def test_a_request_keeps_its_server_from_falling_asleep(start: Starter) -> None:
    """No word of inactivity, and no end, before the request has been answered."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        idle = 2
        die-on-idle = true
        module = case_app
        """
    )
    with Client(subject.port, request("/hold/a")) as client:
        subject.wait_inside("a")
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > 4.5, "more time than idle allows")
        assert "inactive" not in subject.log
        subject.let_go("a")
        assert client.rest().text == "held a"
    assert subject.ended() == 0


@covers("OD-59")
def test_die_on_idle_without_idle_means_nothing(empire: Empire) -> None:
    pid = empire.pid("endless.ini")
    asleep(empire, "dies.ini")
    assert empire.pid("endless.ini") == pid > 0


@covers("OD-61")
def test_a_plain_vassal_that_dies_on_idle_is_started_again(empire: Empire) -> None:
    empire.put("plain.ini", *SLEEPY, f"socket = {empire.path('plain.sock')}")
    first = empire.running("plain.ini")
    empire.accepting("plain.ini")
    asked(empire.path("plain.sock"))
    eventually(lambda: empire.pid("plain.ini") not in (0, first), "another process")


@covers("OD-62", kind="beyond")
def test_a_request_that_comes_after_the_goodbye_is_answered(empire: Empire) -> None:
    """The emperor is frozen until the vassal has said goodbye and has taken a slow request."""
    address = added(empire, "late", *SLEEPY)
    asked(address)
    begun = empire.count("workers have been inactive")
    empire.subject.signal(signal.SIGSTOP)
    try:
        eventually(lambda: empire.count("workers have been inactive") > begun, "idle")
        with Client(address, packet(request_vars("/sleep?1"))) as client:
            empire.subject.signal(signal.SIGCONT)
            assert client.rest().status == 200
    finally:
        empire.subject.signal(signal.SIGCONT)
    asleep(empire, "late.ini")
    assert ask(address).status == 200


@covers("OD-62", kind="beyond")
def test_clients_that_come_and_go_at_any_moment_are_all_answered(empire: Empire) -> None:
    address = added(empire, "tide", *SLEEPY)
    for _ in range(2):
        log = len(empire.log)
        asked(address)
        empire.subject.wait_for(r"bringing back instance tide.ini", since=log)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: ask(address, f"/sleep?0.0{n}"), range(8)))
        assert [answer.status for answer in answers] == [200] * 8


@covers("OD-60")
def test_without_an_emperor_die_on_idle_ends_the_server(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = dump_app\nidle = 1\ndie-on-idle = true")
    get(subject.port)
    assert subject.ended() == 0
    assert "workers have been inactive for more than 1 seconds" in subject.log
    assert "goodbye to uWSGI." in subject.log


@covers("OD-51", "OD-52")
def test_without_an_emperor_idle_stops_the_workers(start: Starter) -> None:
    subject = start("http-socket = 127.0.0.1:PORT\nmodule = dump_app\nidle = 1")
    get(subject.port)
    subject.wait_for(r"^cheap mode enabled: waiting for socket connection...$")
    eventually(lambda: not children(subject.pid), "all workers are gone")
    assert get(subject.port).status == 200
