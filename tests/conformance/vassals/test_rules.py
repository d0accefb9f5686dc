"""--emperor-on-demand-extension, -directory and -exec: who names the socket, and how."""

import os
from pathlib import Path

import pytest

from tests.conformance.harness import (
    Starter,
    Subject,
    covers,
    eventually,
    free_port,
    listening,
)
from tests.conformance.vassals.empire import Empire, added, asked, got, rule

DETECTED = r'\[uwsgi-emperor\] {} -> "on demand" instance detected'
COMMAND = """#!/bin/sh
echo "$# $@" >> "$CASE_DIR/calls"
name=$(basename "$2")
case "$name" in
  none*) exit 1;;
  slow*) until [ -e "$CASE_DIR/go" ]; do sleep 0.1; done; echo "$CASE_DIR/$name.sock";;
  *) echo "$CASE_DIR/$name.sock"; echo second line; exit 1;;
esac
"""


@pytest.fixture(scope="module")
def by_extension(start_module: Starter) -> Empire:
    return rule(
        start_module,
        *("--emperor-on-demand-ext", ".socket"),
        *("--emperor-on-demand-directory", "DIR/sockets"),
        *("--emperor-throttle", "100"),
    )


@pytest.fixture(scope="module")
def by_directory(start_module: Starter) -> Empire:
    return rule(
        start_module,
        *("--emperor-on-demand-directory", "DIR/sockets"),
        *("--emperor-on-demand-exec", "echo DIR/never"),
        *("--emperor-throttle", "100"),
    )


@pytest.fixture(scope="module")
def by_command(start_module: Starter) -> Empire:
    words = ("--emperor-on-demand-exec", "/bin/sh DIR/command.sh one")
    return rule(start_module, *words, files={"command.sh": COMMAND})


@covers("OD-30", "OD-31")
@pytest.mark.parametrize("ending", ["\n", "\r\nsecond", "\tmore", ""])
def test_the_file_beside_the_vassal_names_the_socket(by_extension: Empire, ending: str) -> None:
    name = f"e{len(ending)}"
    address = by_extension.path(f"{name}.sock")
    (by_extension.directory / f"vassals/{name}.ini.socket").write_text(address + ending)
    by_extension.put(f"{name}.ini")
    by_extension.waiting(f"{name}.ini")
    assert by_extension.row(f"{name}.ini")["on_demand"] == address
    assert asked(address)["path"] == "/"
    assert not by_extension.row(f"{name}.ini.socket")


@covers("OD-30")
def test_a_relative_path_counts_from_the_directory_of_the_vassal(by_extension: Empire) -> None:
    added(by_extension, "relative", address="relative.sock")
    assert asked(by_extension.path("vassals/relative.sock"))["path"] == "/"


@covers("OD-27", "OD-29")
def test_without_its_file_a_vassal_is_plain_though_there_is_a_directory_option(
    by_extension: Empire,
) -> None:
    by_extension.put("plain.ini", f"socket = {by_extension.path('plain.sock')}")
    by_extension.running("plain.ini")
    assert by_extension.row("plain.ini")["on_demand"] == ""


@covers("OD-28")
def test_the_name_is_found_when_the_vassal_is_added(by_extension: Empire) -> None:
    address = added(by_extension, "keeps")
    file = by_extension.directory / "vassals/keeps.ini.socket"
    file.write_text(by_extension.path("another.sock"))
    by_extension.put("keeps.ini")
    by_extension.subject.wait_for(r"updated configuration .* keeps.ini$")
    assert asked(address)["path"] == "/"
    assert by_extension.row("keeps.ini")["on_demand"] == address


@covers("OD-32")
def test_a_name_that_cannot_be_bound_is_tried_again(by_extension: Empire) -> None:
    address = by_extension.path("later/deep.sock")
    (by_extension.directory / "vassals/deep.ini.socket").write_text(address)
    by_extension.put("deep.ini")
    by_extension.subject.wait_for(r"No such file or directory")
    Path(address).parent.mkdir()
    by_extension.waiting("deep.ini")
    assert asked(address)["path"] == "/"


@covers("OD-33")
def test_of_two_with_one_address_the_first_has_it(by_extension: Empire) -> None:
    port = free_port()
    added(by_extension, "taken", "protocol = http", address=f"127.0.0.1:{port}")
    (by_extension.directory / "vassals/zz.ini.socket").write_text(f"127.0.0.1:{port}")
    by_extension.put("zz.ini")
    by_extension.subject.wait_for(r"Address already in use")
    assert got(port)["path"] == "/"
    assert by_extension.pid("taken.ini")
    assert not by_extension.pid("zz.ini")


@covers("OD-35", "OD-36")
@pytest.mark.parametrize("name", ["myapp", "my.shop", ".hidden"])
def test_the_name_of_the_vassal_is_that_of_its_socket(by_directory: Empire, name: str) -> None:
    by_directory.put(f"{name}.ini")
    by_directory.waiting(f"{name}.ini")
    assert asked(by_directory.path(f"sockets/{name}.socket"))["path"] == "/"


@covers("OD-37")
def test_a_directory_that_is_not_there_is_waited_for(start: Starter) -> None:
    empire = rule(start, "--emperor-on-demand-dir", "DIR/later", "--emperor-throttle", "100")
    empire.put("a.ini")
    empire.subject.wait_for(r"No such file or directory")
    (empire.directory / "later").mkdir()
    empire.waiting("a.ini")
    assert asked(empire.path("later/a.socket"))["path"] == "/"


@covers("OD-38", kind="beyond")
def test_two_vassals_that_would_share_a_socket_are_told_so(by_directory: Empire) -> None:
    by_directory.put("twice.ini")
    by_directory.waiting("twice.ini")
    by_directory.put("twice.yml")
    by_directory.subject.wait_for(r"twice.yml: .*is the socket of another vassal")
    assert asked(by_directory.path("sockets/twice.socket"))["path"] == "/"


@covers("OD-39", "OD-40")
def test_the_output_of_the_command_names_the_socket(by_command: Empire) -> None:
    by_command.put("app.ini")
    by_command.waiting("app.ini")
    assert asked(by_command.path("app.ini.sock"))["path"] == "/"
    by_command.put("app.ini")
    by_command.subject.wait_for(r"reload the uwsgi instance app.ini$")
    calls = Path(by_command.path("calls")).read_text().splitlines()
    mine = [call for call in calls if call.endswith("app.ini")]
    assert len(mine) == 1
    assert mine[0].startswith("2 one ")


@covers("OD-40")
def test_a_name_with_blanks_is_one_argument(by_command: Empire) -> None:
    by_command.put("a b  c.ini")
    by_command.waiting("a b  c.ini")
    assert asked(by_command.path("a b  c.ini.sock"))["path"] == "/"


@covers("OD-41")
def test_the_argument_is_the_full_path(by_command: Empire) -> None:
    by_command.put("full.ini")
    by_command.waiting("full.ini")
    calls = Path(by_command.path("calls")).read_text().splitlines()
    assert f"2 one {by_command.directory}/vassals/full.ini" in calls


@covers("OD-29", "OD-42")
def test_without_output_the_vassal_is_plain(by_command: Empire) -> None:
    by_command.put("none.ini", f"socket = {by_command.path('none.sock')}")
    by_command.running("none.ini")
    assert by_command.row("none.ini")["on_demand"] == ""


@covers("OD-43", kind="beyond")
def test_a_slow_command_keeps_nobody_waiting(by_command: Empire) -> None:
    by_command.put("quick.ini")
    by_command.waiting("quick.ini")
    by_command.put("slow.ini")
    eventually(lambda: "slow.ini" in Path(by_command.path("calls")).read_text(), "it is called")
    assert asked(by_command.path("quick.ini.sock"))["path"] == "/"
    assert by_command.row("quick.ini")["pid"] > 0
    assert f'"{by_command.path("slow.ini.sock")}"' not in by_command.log
    Path(by_command.path("go")).touch()
    by_command.waiting("slow.ini")


@covers("OD-84", kind="beyond")
def test_a_name_with_a_command_in_it_is_data(by_command: Empire) -> None:
    name = "x$(touch pwned)`touch pwned`;touch pwned;.ini"
    by_command.put(name)
    by_command.waiting(name)
    assert not list(by_command.directory.rglob("pwned"))


@covers("OD-34", kind="beyond")
def test_an_empty_extension_is_refused(start: Starter) -> None:
    ended = start.run("", "--emperor", "DIR/vassals", "--emperor-on-demand-extension", "")
    assert ended.code == 1
    assert "emperor-on-demand-extension: expected an extension" in ended.log


@covers("OD-26")
@pytest.mark.parametrize("monitor", ["dir://DIR/vassals", "glob://DIR/vassals/*.ini"])
def test_the_options_apply_to_directories_and_patterns(start: Starter, monitor: str) -> None:
    empire = rule(start, "--emperor-on-demand-directory", "DIR/sockets", emperor=(monitor,))
    empire.put("app.ini")
    eventually(lambda: listening(empire.path("sockets/app.socket")), "the socket")
    assert asked(empire.path("sockets/app.socket"))["path"] == "/"
    found = [row["id"] for row in empire.told()["vassals"]]
    whole = f"{empire.directory}/vassals/app.ini"
    assert found == [whole if monitor.startswith("glob") else "app.ini"]


@covers("OD-26")
@pytest.mark.parametrize("monitor", ["vassals/*.ini", "vassals/app.ini", "vassals"])
def test_bare_paths_and_relative_ones(start: Starter, monitor: str) -> None:
    empire = rule(start, "--emperor-on-demand-directory", "DIR/sockets", emperor=(monitor,))
    empire.put("app.ini")
    eventually(lambda: listening(empire.path("sockets/app.socket")), "the socket")
    where = asked(empire.path("sockets/app.socket"))["cwd"]
    assert where == str(empire.directory) + ("/vassals" if monitor == "vassals" else "")


def sockets_of(subject: Subject) -> set[str]:
    """The sockets that a process holds."""
    folder = f"/proc/{subject.pid}/fd"
    names = {os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}
    return {name for name in names if name.startswith("socket:")}


@covers("OD-65")
def test_removing_a_sleeping_vassal_closes_its_socket(by_directory: Empire) -> None:
    by_directory.put("brief.ini")
    by_directory.waiting("brief.ini")
    before = sockets_of(by_directory.subject)
    by_directory.remove("brief.ini")
    by_directory.gone("brief.ini")
    assert len(sockets_of(by_directory.subject)) < len(before)
    assert not listening(by_directory.path("sockets/brief.socket"))
