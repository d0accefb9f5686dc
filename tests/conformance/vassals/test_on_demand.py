"""The introduction: the emperor keeps the socket, the first connection starts the vassal."""

import concurrent.futures
import os
import stat
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Client,
    Starter,
    ask,
    children,
    covers,
    eventually,
    exchange,
    free_port,
    get,
    is_refuwsgi,
    listening,
)
from tests.conformance.harness.ports import need_ipv6
from tests.conformance.vassals.empire import Empire, added, asked, got, rule


@pytest.fixture(scope="module")
def empire(start_module: Starter) -> Empire:
    """One emperor for all cases of this file; each has vassals of its own."""
    return rule(start_module, "--emperor-on-demand-extension", ".socket", "--listen", "64")


@covers("OD-1", "OD-2")
def test_the_first_connection_starts_the_vassal_and_it_serves_the_next_ones(
    empire: Empire,
) -> None:
    address = added(empire, "first")
    pids = {asked(address)["master"] for _ in range(6)}
    assert pids == {empire.pid("first.ini")}


@covers("OD-3", "OD-5")
def test_the_emperor_starts_no_vassal_that_is_on_demand(empire: Empire) -> None:
    address = added(empire, "quiet")
    for _ in range(3):
        empire.look()
        empire.told()
    assert empire.row("quiet.ini")["pid"] == -1
    assert empire.row("quiet.ini")["on_demand"] == address
    line = '[uwsgi-emperor] quiet.ini -> "on demand" instance detected, waiting for connections '
    assert empire.count(f'{line}on socket "{address}" ...\n') == 1
    assert listening(address)


@covers("OD-4")
def test_a_change_does_not_start_it_and_the_next_start_reads_it(empire: Empire) -> None:
    address = added(empire, "changed", mark="old")
    empire.put("changed.ini", mark="new")
    empire.subject.wait_for(
        r'- \[emperor\] updated configuration for "on demand" instance changed.ini$'
    )
    assert empire.row("changed.ini")["pid"] == -1
    assert asked(address)["environ"]["MARK"] == "new"


@covers("OD-6")
def test_everybody_may_connect_and_what_lay_at_the_path_is_replaced(empire: Empire) -> None:
    stale = Path(empire.path("stale.sock"))
    with Client(empire.path("stats.sock")):
        pass
    import socket

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    address = added(empire, "stale")
    assert stat.S_IMODE(os.stat(address).st_mode) == 0o666
    assert asked(address)["path"] == "/"


@covers("OD-7")
def test_a_port_alone_listens_on_every_address(empire: Empire) -> None:
    port = free_port()
    added(empire, "everywhere", address=f":{port}")
    assert asked(f"127.0.0.2:{port}")["path"] == "/"


@covers("OD-9")
def test_a_connection_without_a_byte_wakes_it_and_it_stays(empire: Empire) -> None:
    address = added(empire, "silent")
    with Client(address):
        pass
    pid = empire.running("silent.ini")
    empire.accepting("silent.ini")
    assert asked(address)["master"] == pid


@covers("OD-10")
@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_everybody_who_queued_during_the_start_is_answered(empire: Empire, kind: str) -> None:
    address = f"127.0.0.1:{free_port()}" if kind == "tcp" else ""
    address = added(empire, f"slow{kind}", "env = BOOT=0.7", address=address)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: asked(address, f"/{n}"), range(20)))
    assert [answer["path"] for answer in answers] == [f"/{n}" for n in range(20)]
    assert empire.row(f"slow{kind}.ini")["pid"] == answers[0]["master"]


@covers("OD-12")
def test_the_vassal_has_the_socket_as_descriptor_0_and_the_emperor_keeps_it(
    empire: Empire,
) -> None:
    address = added(empire, "zero")
    pid = asked(address)["master"]
    theirs = os.readlink(f"/proc/{pid}/fd/0")
    assert theirs.startswith("socket:")
    folder = f"/proc/{empire.subject.pid}/fd"
    assert theirs in [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]


@covers("OD-12")
def test_a_plain_vassal_has_nothing_as_descriptor_0(empire: Empire) -> None:
    empire.put("plain.ini", f"socket = {empire.path('plain.sock')}")
    pid = empire.running("plain.ini")
    empire.accepting("plain.ini")
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert asked(empire.path("plain.sock"))["master"] == pid


@covers("OD-12")
def test_a_vassal_inherits_nothing_else(empire: Empire) -> None:
    """Beside 0, 1 and 2 the emperor's pipe, and no socket of another vassal."""
    mine = added(empire, "own")
    added(empire, "other")
    pid = asked(mine)["master"]
    kept = f"/proc/{empire.subject.pid}/fd"
    of_the_emperor = {os.readlink(f"{kept}/{fd}") for fd in os.listdir(kept)}
    theirs = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    shared = {name for name in of_the_emperor & theirs if name.startswith("socket:")}
    assert shared == {os.readlink(f"/proc/{pid}/fd/0")}


@covers("OD-13")
def test_descriptor_0_is_served_besides_what_is_declared(empire: Empire) -> None:
    port = free_port()
    address = added(empire, "both", f"http-socket = 127.0.0.1:{port}")
    pid = asked(address)["master"]
    assert got(port)["master"] == pid
    assert f"inherited UNIX address {address} fd 0" in empire.log


@covers("OD-16")
def test_descriptor_0_speaks_uwsgi_by_default(empire: Empire) -> None:
    address = added(empire, "speaks")
    assert ask(address).raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert get(address).raw == b""


@covers("OD-17")
def test_the_protocol_option_lets_descriptor_0_speak_http(empire: Empire) -> None:
    port = free_port()
    added(empire, "http", "protocol = http", address=f"127.0.0.1:{port}")
    assert got(port)["path"] == "/"
    assert f"inherited INET address 127.0.0.1:{port} fd 0" in empire.log


@covers("OD-19", "OD-21")
def test_a_client_that_makes_no_sense_loses_its_connection_only(empire: Empire) -> None:
    address = added(empire, "rubbish")
    assert exchange(address, b"GET / HTTP/1.0\r\n\r\n").raw == b""
    assert asked(address)["path"] == "/"
    assert exchange(address, b"\0\xff\xff\0" + b"x" * 70000).raw == b""
    assert asked(address)["path"] == "/"


@covers("OD-20")
def test_a_vassal_may_narrow_the_mode_of_its_socket(empire: Empire) -> None:
    address = added(empire, "narrow", "chmod-socket = 640")
    assert stat.S_IMODE(os.stat(address).st_mode) == 0o666
    asked(address)
    assert stat.S_IMODE(os.stat(address).st_mode) == 0o640


@covers("OD-22")
def test_waking_one_wakes_no_other(empire: Empire) -> None:
    one, other = added(empire, "one"), added(empire, "two")
    asked(one)
    assert empire.row("two.ini")["pid"] == -1
    assert asked(other)["master"] != empire.pid("one.ini")


@covers("OD-87", kind="beyond")
@pytest.mark.parametrize("form", ["abstract", "ipv6"])
def test_other_kinds_of_sockets(empire: Empire, form: str) -> None:
    if form == "ipv6":
        need_ipv6()
    address = f"[::1]:{free_port()}" if form == "ipv6" else f"@{empire.directory.name}"
    added(empire, form, address=address)
    import socket

    if form == "abstract":
        assert asked(address)["path"] == "/"
        return
    with socket.create_connection(("::1", int(address.rpartition(":")[2])), 10):
        empire.running("ipv6.ini")


@covers("OD-86", kind="beyond")
def test_a_wake_can_be_seen(empire: Empire) -> None:
    address = added(empire, "seen")
    assert (empire.row("seen.ini")["state"], empire.row("seen.ini")["wakes"]) == ("asleep", 0)
    asked(address)
    empire.subject.wait_for(r"seen.ini -> woken by a connection")
    eventually(lambda: empire.row("seen.ini")["state"] == "serving")
    assert empire.row("seen.ini")["wakes"] == 1


@covers("OD-8")
def test_the_queue_has_the_length_that_the_emperor_was_told(empire: Empire) -> None:
    """Nobody accepts while the vassal's master is stopped: the queue of 64 takes no 80."""
    import socket

    address = added(empire, "queue", "env = BOOT=3")
    clients, refused = [], 0
    try:
        for _ in range(80):
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            clients.append(sock)
            try:
                sock.connect(address)
            except BlockingIOError:
                refused += 1
        assert refused == 80 - 65
    finally:
        for sock in clients:
            sock.close()


@covers("OD-1")
def test_the_emperor_is_the_parent_of_its_vassals(empire: Empire) -> None:
    address = added(empire, "child")
    assert asked(address)["master"] in children(empire.subject.pid)


@covers("OD-77")
def test_refuwsgi_is_judged_by_more(empire: Empire) -> None:
    """The stats of refuwsgi say more than uWSGI's, and nothing less."""
    added(empire, "fields")
    row = empire.row("fields.ini")
    common = {
        "id", "pid", "born", "last_mod", "last_heartbeat", "loyal", "ready", "accepting",
        "last_loyal", "last_ready", "last_accepting", "first_run", "last_run", "cursed", "zerg",
        "on_demand", "uid", "gid", "monitor", "respawns",
    }  # fmt: skip
    assert set(row) >= common
    assert is_refuwsgi() == (set(row) > common)
