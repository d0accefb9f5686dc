"""The life of a vassal under its emperor: start, reload, crash, end."""

import os
import signal
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    alive,
    children,
    covers,
    eventually,
    packet,
    request_vars,
)
from tests.conformance.vassals.empire import Empire, added, asked, held, mark_of, plain, rule

BLACKLIST = {"id", "throttle_level", "attempt", "first_attempt", "last_attempt"}


@pytest.fixture(scope="module")
def empire(start_module: Starter) -> Empire:
    return rule(
        start_module,
        *("--emperor-on-demand-extension", ".socket"),
        *("--vassal-set", "env=SET=yes", "--vassals-include", "DIR/included.ini"),
        *("--emperor-throttle", "100", "--emperor-required-heartbeat", "2"),
        files={"included.ini": "[uwsgi]\nenv = INCLUDED=yes\n"},
        env={"UWSGI_VASSAL_PROCNAME": "shown"},
    )


@covers("OD-72", "OD-78")
def test_touching_a_config_reloads_its_vassal_and_removing_it_stops_it(empire: Empire) -> None:
    address = plain(empire, "touched", mark="old")
    before = asked(address)
    assert before["environ"]["MARK"] == "old"
    empire.put("touched.ini", f"socket = {address}", mark="new")
    empire.subject.wait_for(r"- \[emperor\] reload the uwsgi instance touched.ini$")
    eventually(lambda: mark_of(address) == "new", "the new config runs")
    assert asked(address)["master"] == before["master"]
    empire.remove("touched.ini")
    empire.gone("touched.ini")
    assert not alive(before["master"])
    for line in ("stop the uwsgi instance touched.ini", "removed uwsgi instance touched.ini"):
        empire.subject.wait_for(rf"- \[emperor\] {line}$")


@covers("OD-72")
def test_a_vassal_that_changed_its_directory_reloads(empire: Empire) -> None:
    """Its config is named from where it was started, and read again from there."""
    address = empire.path("moved.sock")
    lines = (f"socket = {address}", "master = true", "chdir = %d..")
    empire.put("moved.ini", *lines, mark="old")
    eventually(lambda: mark_of(address) == "old", "the vassal runs")
    before = asked(address)
    assert before["cwd"] == str(empire.directory)
    empire.put("moved.ini", *lines, mark="new")
    eventually(lambda: mark_of(address) == "new", "the new config runs")
    assert asked(address)["master"] == before["master"]


@covers("OD-72")
def test_a_running_vassal_on_demand_keeps_its_socket_over_a_reload(empire: Empire) -> None:
    address = added(empire, "turn", mark="old")
    before = asked(address)
    inode = os.stat(address).st_ino
    empire.put("turn.ini", mark="new")
    eventually(lambda: mark_of(address) == "new", "the new config runs")
    assert asked(address)["master"] == before["master"]
    assert os.stat(address).st_ino == inode
    assert empire.log.count(f"inherited UNIX address {address} fd 0") == 2


@covers("OD-73")
def test_what_a_vassal_is_started_with(empire: Empire) -> None:
    address = plain(empire, "started")
    found = asked(address)
    assert found["cwd"] == empire.path("vassals")
    assert found["environ"]["UWSGI_EMPEROR_FD"].isdigit()
    assert (found["environ"]["SET"], found["environ"]["INCLUDED"]) == ("yes", "yes")


@covers("OD-73")
def test_the_command_line_of_a_vassal(start: Starter) -> None:
    """emperor-wrapper is started with the same words as our own binary would be."""
    script = '#!/bin/sh\nprintf "%s\\n" "$@" > "$CASE_DIR/words"\nexec sleep 60\n'
    words = [
        *("--emperor-wrapper", "DIR/wrapper", "--vassal-set", "a=b"),
        *("--vassals-include", "DIR/i.ini", "--vassals-include-before", "DIR/ib.ini"),
        *("--vassals-inherit", "DIR/t.ini", "--vassals-inherit-before", "DIR/tb.ini"),
        *("--emperor-curse-tolerance", "1"),
    ]
    empire = rule(start, *words, files={"wrapper": script})
    Path(empire.path("wrapper")).chmod(0o755)
    empire.put("app.ini")
    written = Path(empire.path("words"))
    eventually(lambda: written.exists() and written.read_text().count("\n") == 12, "the words")
    expected = "--inherit tb.ini --include ib.ini --set a=b --ini app.ini --inherit t.ini"
    found = written.read_text().replace(f"{empire.directory}/", "").split()
    assert found == [*expected.split(), "--include", "i.ini"]


@covers("OD-92", kind="beyond")
def test_variables_for_vassals_arrive(empire: Empire) -> None:
    environ = asked(plain(empire, "variables"))["environ"]
    assert environ["UWSGI_PROCNAME"] == "shown"
    assert "UWSGI_VASSAL_PROCNAME" not in environ


@covers("OD-74", "OD-78")
def test_a_vassal_says_how_far_it_is(empire: Empire) -> None:
    address = plain(empire, "says")
    assert empire.row("says.ini")["ready"] == 1
    asked(address)
    eventually(lambda: empire.row("says.ini")["loyal"] == 1, "it is loyal")
    for line in ("has been spawned", "is ready to accept requests", "is now loyal"):
        empire.subject.wait_for(rf"- \[emperor\] vassal says.ini {line}$")
    empire.subject.wait_for(r"announcing my loyalty to the Emperor...")


@covers("OD-74")
def test_a_vassal_that_stops_sending_heartbeats_is_killed(empire: Empire) -> None:
    plain(empire, "beats", "heartbeat = 1")
    eventually(lambda: empire.row("beats.ini")["last_heartbeat"] > 0, "a beat")
    pid = empire.pid("beats.ini")
    workers = children(pid)
    for each in (pid, *workers):
        os.kill(each, signal.SIGSTOP)
    empire.subject.wait_for(r"vassal beats.ini sent no heartbeat in last 2 seconds")
    for each in workers:
        os.kill(each, signal.SIGCONT)
    eventually(lambda: not alive(pid), "it is killed")
    eventually(lambda: empire.pid("beats.ini") not in (0, pid), "and started again")


@covers("OD-75")
def test_a_broken_vassal_is_held_back_and_harms_nobody(empire: Empire) -> None:
    good = added(empire, "good")
    empire.put("broken.ini", "need-app = true", "env = BROKEN=1")
    eventually(lambda: held(empire, "broken.ini").get("attempt", 0) >= 2, "it is tried again")
    assert set(held(empire, "broken.ini")) >= BLACKLIST
    assert asked(good)["path"] == "/"
    empire.remove("broken.ini")
    empire.gone("broken.ini")


@covers("OD-75", "OD-85")
def test_a_loyal_vassal_that_dies_is_back(empire: Empire) -> None:
    address = added(empire, "crashes")
    first = asked(address)["master"]
    eventually(lambda: empire.row("crashes.ini")["loyal"] == 1, "it is loyal")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not alive(first), "it is dead")
    eventually(lambda: mark_of(address) == "one", "it serves again")


@covers("OD-85", kind="beyond")
def test_the_socket_survives_a_crash(empire: Empire) -> None:
    address = added(empire, "survives")
    inode = os.stat(address).st_ino
    first = asked(address)["master"]
    log = len(empire.log)
    os.kill(first, signal.SIGKILL)
    empire.subject.wait_for(r"survives.ini -> back to \"on demand\" mode", since=log)
    assert asked(address)["master"] != first
    assert os.stat(address).st_ino == inode


@covers("OD-89", kind="beyond")
def test_touching_a_vassal_that_is_held_back_gives_it_its_chance(start: Starter) -> None:
    empire = rule(
        start, "--emperor-on-demand-directory", "DIR/sockets", "--emperor-throttle", "600000"
    )
    empire.put("mended.ini", "need-app = true", "env = BROKEN=1")
    empire.waiting("mended.ini")
    with Client(empire.path("sockets/mended.socket"), packet(request_vars("/"))) as client:
        eventually(lambda: empire.row("mended.ini")["state"] == "held", "it is held back")
        eventually(lambda: held(empire, "mended.ini").get("throttle_level", 0) > 0, "for long")
        empire.put("mended.ini", mark="mended")
        assert client.rest().json()["environ"]["MARK"] == "mended"


@covers("OD-63")
def test_with_graceful_shutdown_a_vassal_finishes_its_request(start: Starter) -> None:
    empire = rule(start, "--emperor-graceful-shutdown")
    address = plain(empire, "slow")
    asked(address)
    with Client(address, packet(request_vars("/sleep?1.5"))) as client:
        eventually((empire.directory / "sleeping").exists)  # what nobody has begun may be lost
        empire.remove("slow.ini")
        assert client.rest().status == 200
    empire.gone("slow.ini")


@covers("OD-93")
def test_vassals_end_with_an_emperor_that_is_killed(start: Starter) -> None:
    empire = rule(start, "--emperor-on-demand-extension", ".socket")
    found = asked(plain(empire, "orphan"))
    empire.subject.signal(signal.SIGKILL)
    eventually(lambda: not alive(found["master"]) and not alive(found["worker"]), "they end")
