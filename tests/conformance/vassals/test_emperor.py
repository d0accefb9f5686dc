"""What the document takes for granted: the emperor, its monitors, its pipe, its signals."""

import json
import os
import re
import signal
from pathlib import Path

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
    get,
    listening,
)
from tests.conformance.vassals.empire import Empire, added, asked, mark_of, plain, rule

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


@covers("OD-97", kind="beyond")
@pytest.mark.parametrize(("word", "left"), [("true", False), ("false", True)])
def test_with_vacuum_no_socket_of_the_emperor_is_left(
    start: Starter, word: str, left: bool
) -> None:
    empire = rule(start, "--set", f"vacuum={word}", "--emperor-on-demand-extension", ".socket")
    waits = added(empire, "waits")
    asked(added(empire, "runs"))
    if not left:
        empire.remove("waits.ini")
        empire.gone("waits.ini")
        assert not os.path.exists(waits)
    assert empire.subject.stop() == 0
    assert any(path.is_socket() for path in empire.directory.iterdir()) is left


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
def test_a_tyrant_gives_each_vassal_the_rights_of_its_owner(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who has become another user may be unable to read Python, and to write what was measured.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    if os.getuid() != 0:  # nobody else can change users
        refused = start.run("", "--emperor", "DIR/vassals", "--emperor-tyrant")
        assert refused.code == 1
        return
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


@covers("OD-72")
@pytest.mark.parametrize(
    "words",
    [
        ("--master", "--http-socket", "127.0.0.1:PORT", "--module", "dump_app"),
        ("--master", "--fastrouter", "127.0.0.1:PORT"),
    ],
    ids=["workers", "fastrouter"],
)
def test_an_emperor_beside_something_else(start: Starter, words: tuple[str, ...]) -> None:
    empire = rule(start, "--emperor-on-demand-directory", "DIR/sockets", *words)
    empire.put("app.ini")
    eventually(lambda: listening(empire.path("sockets/app.socket")), "the socket")
    master = asked(empire.path("sockets/app.socket"))["master"]
    assert empire.told()["pid"] != empire.subject.pid
    if "--module" in words:
        assert get(empire.subject.port).status == 200
    assert empire.subject.stop() == 0
    eventually(lambda: not alive(master), "the vassal ends, too")
