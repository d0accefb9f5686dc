"""What the document takes for granted: the emperor, its monitors, its pipe, its signals."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    alive,
    ask,
    children,
    covers,
    eventually,
    exchange,
    free_port,
    packet,
    request_vars,
)
from tests.conformance.vassals.empire import Empire, added, asked, rule

FIELDS = {
    "vassals": {
        "id", "pid", "born", "last_mod", "last_heartbeat", "loyal", "ready", "accepting",
        "last_loyal", "last_ready", "last_accepting", "first_run", "last_run", "cursed", "zerg",
        "on_demand", "uid", "gid", "monitor", "respawns",
    },
    "blacklist": {"id", "throttle_level", "attempt", "first_attempt", "last_attempt"},
}  # fmt: skip


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


def plain(empire: Empire, name: str, *lines: str, mark: str = "one") -> str:
    """Add a plain vassal and wait until it accepts; the address that it declares."""
    address = empire.path(f"{name}.sock")
    empire.put(f"{name}.ini", f"socket = {address}", *lines, mark=mark)
    empire.running(f"{name}.ini")
    empire.accepting(f"{name}.ini")
    return address


@covers("OD-71")
@pytest.mark.parametrize("option", ["emperor-freq", "emperor-throttle", "emperor-max-throttle"])
def test_a_number_that_cannot_be_right_ends_the_start(start: Starter, option: str) -> None:
    ended = start.run("", "--emperor", "DIR/vassals", f"--{option}", "-1")
    assert ended.code == 1
    assert option in ended.log


@covers("OD-71")
def test_an_option_that_needs_a_value_must_have_one(start: Starter) -> None:
    assert start.run("", "--emperor-freq").code == 1
    assert start.run("", "--emperor-bogus", "1").code == 1


@covers("OD-72")
def test_a_vassal_is_a_file_with_the_right_ending(empire: Empire) -> None:
    vassals = empire.directory / "vassals"
    (vassals / "notes.txt").write_text(empire.ini())
    (vassals / "folder.ini").mkdir()
    (vassals / "nowhere.ini").symlink_to("missing")
    real = empire.directory / "real.ini"
    real.write_text(empire.ini(f"socket = {empire.path('linked.sock')}"))
    (vassals / "linked.ini").symlink_to(real)
    empire.look()
    empire.running("linked.ini")
    found = {row["id"] for row in empire.told()["vassals"]}
    assert not found & {"notes.txt", "folder.ini", "nowhere.ini", "readme"}


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


def mark_of(address: str) -> str:
    """The mark of the config that answers; empty while none does."""
    try:
        answer = ask(address)
        return str(answer.json()["environ"]["MARK"]) if answer.status == 200 else ""
    except (OSError, ValueError):
        return ""


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


def held(empire: Empire, name: str) -> dict[str, Any]:
    """The entry of a vassal on the blacklist; empty if there is none."""
    return next((row for row in empire.told()["blacklist"] if row["id"] == name), {})


@covers("OD-75")
def test_a_broken_vassal_is_held_back_and_harms_nobody(empire: Empire) -> None:
    good = added(empire, "good")
    empire.put("broken.ini", "need-app = true", "env = BROKEN=1")
    eventually(lambda: held(empire, "broken.ini").get("attempt", 0) >= 2, "it is tried again")
    assert set(held(empire, "broken.ini")) >= FIELDS["blacklist"]
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


@covers("OD-77")
def test_the_stats_are_one_object(empire: Empire) -> None:
    plain(empire, "counted")
    told = json.loads(exchange(empire.path("stats.sock"), b"").raw)
    assert set(told) >= {
        *("version", "pid", "uid", "gid", "cwd", "emperor", "emperor_tyrant"),
        *("throttle_level", "vassals", "blacklist"),
    }
    assert told["pid"] == empire.subject.pid
    assert type(told["throttle_level"]) is int
    row = empire.row("counted.ini")
    assert set(row) >= FIELDS["vassals"]
    assert all(
        type(row[name]) is int for name in FIELDS["vassals"] - {"id", "monitor", "on_demand"}
    )
    assert row["born"] == int(os.stat(empire.path("vassals/counted.ini")).st_mtime)


@covers("OD-76")
def test_usr1_lists_the_vassals_and_hup_reloads_all(start: Starter) -> None:
    empire = rule(start, "--emperor-on-demand-extension", ".socket")
    address = plain(empire, "runs")
    added(empire, "sleeps")
    pid = asked(address)["worker"]
    empire.subject.signal(signal.SIGUSR1)
    empire.subject.wait_for(r"^vassal instance runs.ini \(last modified \d+\) status \S+ loyal \d")
    empire.subject.signal(signal.SIGHUP)
    empire.subject.wait_for(r"reload the uwsgi instance runs.ini$")
    empire.subject.wait_for(r'updated configuration for "on demand" instance sleeps.ini$')
    eventually(lambda: mark_of(address) and asked(address)["worker"] != pid, "a new worker")
    empire.subject.signal(signal.SIGURG)
    empire.subject.wait_for(r"cleaning up blacklist ...")


@covers("OD-76")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_the_end_of_the_emperor_is_the_end_of_its_vassals(start: Starter, sign: int) -> None:
    empire = rule(start, "--emperor-on-demand-extension", ".socket")
    pid = asked(plain(empire, "runs"))["master"]
    empire.subject.signal(sign)
    assert empire.subject.ended() == 0
    assert not alive(pid)
    empire.subject.wait_for(r"\[emperor\] \*\*\* RAGNAROK EVOKED \*\*\*$")
    empire.subject.wait_for(r"The Emperor is buried.$")


@covers("OD-63")
def test_with_graceful_shutdown_a_vassal_finishes_its_request(start: Starter) -> None:
    empire = rule(start, "--emperor-graceful-shutdown")
    address = plain(empire, "slow")
    asked(address)
    with Client(address, packet(request_vars("/sleep?1.5"))) as client:
        empire.remove("slow.ini")
        assert client.rest().status == 200
    empire.gone("slow.ini")


@covers("OD-93")
def test_vassals_end_with_an_emperor_that_is_killed(start: Starter) -> None:
    empire = rule(start, "--emperor-on-demand-extension", ".socket")
    found = asked(plain(empire, "orphan"))
    empire.subject.signal(signal.SIGKILL)
    eventually(lambda: not alive(found["master"]) and not alive(found["worker"]), "they end")


@covers("OD-72")
def test_the_pidfile(start: Starter) -> None:
    empire = rule(start, "--emperor-pidfile", "DIR/emperor.pid")
    assert int(Path(empire.path("emperor.pid")).read_text()) == empire.subject.pid


@covers("OD-88", kind="beyond")
def test_vassals_of_one_name_in_two_directories(start: Starter) -> None:
    empire = rule(
        start,
        *("--emperor-on-demand-extension", ".socket"),
        emperor=("DIR/vassals", "DIR/others"),
        files={"others/readme": ""},
    )
    for folder in ("vassals", "others"):
        name = empire.directory / folder / "same.ini.socket"
        name.write_text(empire.path(f"{folder}.sock"))
        empire.put("same.ini", folder=folder, mark=folder)
    eventually(lambda: len(empire.told()["vassals"]) == 2, "both are known")
    for folder in ("vassals", "others"):
        found = asked(empire.path(f"{folder}.sock"))
        assert (found["environ"]["MARK"], found["cwd"]) == (folder, empire.path(folder))


@covers("OD-91", kind="beyond")
def test_a_directory_that_comes_later(start: Starter) -> None:
    empire = rule(start, emperor=("DIR/later",))
    empire.subject.wait_for(r"later: No such file or directory$")
    (empire.directory / "later").mkdir()
    empire.put("app.ini", f"socket = {empire.path('app.sock')}", folder="later")
    empire.running("app.ini")


@covers("OD-94")
@pytest.mark.skipif(os.getuid() != 0, reason="needs root: tyrant mode changes users")
def test_a_tyrant_gives_each_vassal_the_rights_of_its_owner(start: Starter) -> None:
    empire = rule(start, "--emperor-tyrant", "--emperor-on-demand-extension", ".socket")
    empire.directory.chmod(0o777)
    empire.put("roots.ini", f"socket = {empire.path('roots.sock')}")
    empire.subject.wait_for(r"\[emperor-tyrant\] invalid permissions for vassal roots.ini")
    path = empire.directory / "vassals/owned.ini"
    fresh = empire.directory / "fresh"
    fresh.write_text(empire.ini(f"socket = {empire.path('owned.sock')}"))
    os.chown(fresh, 65534, 65534)
    fresh.rename(path)
    empire.look()
    empire.running("owned.ini")
    empire.accepting("owned.ini")
    assert asked(empire.path("owned.sock"))["uid"] == 65534
    status = Path(f"/proc/{empire.pid('owned.ini')}/status").read_text()
    assert re.search(r"^Gid:\s+65534\s+65534\s+65534", status, re.M)
    assert re.search(r"^Groups:\s*$", status, re.M)


@covers("OD-15")
@pytest.mark.parametrize("words", [(), ("--skip-zero",)])
def test_a_server_without_a_socket_ends(start: Starter, words: tuple[str, ...]) -> None:
    ended = start.run("", "--module", "dump_app", *words)
    assert ended.code == 1
    assert "The -s/--socket option is missing and stdin is not a socket." in ended.log


@covers("OD-14")
def test_descriptor_0_is_not_looked_at_with_skip_zero(empire: Empire) -> None:
    address = added(empire, "skips", "skip-zero = true", f"http-socket = 127.0.0.1:{free_port()}")
    with Client(address):
        empire.running("skips.ini")
        empire.accepting("skips.ini")
    assert f"inherited UNIX address {address}" not in empire.log


@covers("OD-18")
def test_a_protocol_that_nobody_knows_ends_the_server(start: Starter) -> None:
    words = ("--module", "dump_app", "--socket", "127.0.0.1:PORT", "--protocol", "gopher")
    assert start.run("", *words).code == 1


@covers("OD-11")
def test_more_tcp_clients_than_the_queue_holds_are_answered(start: Starter) -> None:
    import concurrent.futures

    empire = rule(start, "--emperor-on-demand-extension", ".socket", "--listen", "4")
    address = f"127.0.0.1:{free_port()}"
    added(empire, "full", "env = BOOT=0.5", "processes = 2", address=address)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: ask(address, f"/{n}").status, range(12)))
    assert answers == [200] * 12
    assert children(empire.subject.pid)
