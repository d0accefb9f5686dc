"""What the values of options mean: flags, numbers, magic variables, placeholders, logic."""

import os
import re

import pytest

from tests.conformance.harness import Starter, covers, get
from tests.conformance.scaling.told import FILES, SITE, facts, opt_of


@covers("SC-265")
@pytest.mark.parametrize(
    ("line", "on"),
    [
        ("master", True),
        ("master =", True),
        ("master = true", True),
        ("master = 1", True),
        ("master = yes", True),
        ("master = false", False),
        ("master = off", False),
        ("master = no", False),
        ("master = 0", False),
    ],
)
def test_flags(start: Starter, line: str, on: bool) -> None:
    assert bool(facts(start(SITE + line + "\n", files=FILES))["master"]) == on


@covers("SC-265")
def test_flags_take_no_value_on_the_command_line(start: Starter) -> None:
    ended = start.run("", "--http-socket", "127.0.0.1:PORT", "--master=false")
    assert ended.code == 1
    assert "master" in ended.log


@covers("SC-266")
@pytest.mark.parametrize("value", ["four", "-1", ""])
def test_numbers_that_are_none_are_refused(start: Starter, value: str) -> None:
    subject = start.launch(SITE + f"processes = {value}\n", files=FILES)
    assert subject.ended(limit=15) == 1
    assert "processes" in subject.log


@covers("SC-365", kind="beyond")
@pytest.mark.parametrize("option", ["processes", "threads", "http-processes", "offload-threads"])
def test_more_than_a_machine_has_are_refused(start: Starter, option: str) -> None:
    """A digit too many ends the start, not the machine."""
    ended = start.run(f"{SITE}{option} = 99999\n", files=FILES)
    assert ended.code == 1
    assert re.search(rf"\.ini:\d+: {option}: .*expected a number up to 4096", ended.log)


@covers("SC-267")
def test_magic_variables(start: Starter) -> None:
    lines = "\n".join(f"m-{letter} = %{letter}" for letter in "vhopsdencxkVugU")
    opt = opt_of(start, lines + "\nm-percent = a%%b\n")
    directory = opt["m-v"]
    assert os.path.basename(directory).startswith("rc-")
    assert opt["m-h"] == os.uname().nodename
    assert opt["m-o"] == "uwsgi.ini"
    assert opt["m-p"] == f"{directory}/uwsgi.ini"
    assert opt["m-s"] == "uwsgi.ini"
    assert opt["m-d"] == f"{directory}/"
    assert opt["m-e"] == "ini"
    assert opt["m-n"] == "uwsgi"
    assert opt["m-c"] == os.path.basename(directory)
    assert opt["m-k"] == str(len(os.sched_getaffinity(0))) or opt["m-k"] == str(os.cpu_count())
    assert opt["m-u"] == str(os.getuid())
    assert opt["m-g"] == str(os.getgid())
    assert opt["m-percent"] == "a%b"
    assert opt["m-V"]


@covers("SC-268")
@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("a = 7\nmine = %(a)", "7"),
        ("mine = %(a)\na = 7", "7"),
        ("a = 7\na = 8\nmine = %(a)", "7"),
        ("mine = %(nope)", "%(nope)"),
        ("a = x\nb = %(a)y\nmine = %(b)z", "xyz"),
        ("a = 7\nmine = %(a + 3)", "10"),
        ("a = 7\nmine = %(a + 3 * 2)", "20"),
        ("a = 7\nmine = %(a / 0)", "0"),
        ("set-placeholder = a=7\nmine = %(a)", "7"),
        ("set-ph = a=7\nmine = %(a)", "7"),
    ],
)
def test_placeholders(start: Starter, lines: str, value: str) -> None:
    assert opt_of(start, lines + "\n")["mine"] == value


@covers("SC-269")
@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("for = a b\nmine = x%(_)\nendfor =", {"mine": "xb"}),
        ("for-times = 2\nmine = y%(_)\nendfor =", {"mine": "y2"}),
        ("if-env = COLOUR\nmine = %(_)\nendif =", {"mine": "blue"}),
        ("if-env = NOTHING\nmine = a\nendif =", {"mine": None}),
        ("if-not-env = NOTHING\nmine = a\nendif =", {"mine": "a"}),
        ("if-exists = optapp.py\nmine = a\nendif =", {"mine": "a"}),
        ("if-file = nowhere\nmine = a\nendif =", {"mine": None}),
        ("if-dir = /tmp\nmine = a\nendif =", {"mine": "a"}),
        ("if-opt = module=optapp\nmine = a\nendif =", {"mine": "a"}),
        ("if-not-opt = nothing\nmine = a\nendif =", {"mine": "a"}),
        ("if-reload = true\nmine = a\nendif =", {"mine": None}),
    ],
)
def test_logic(start: Starter, lines: str, value: dict[str, str | None]) -> None:
    subject = start(SITE + lines + "\n", files=FILES, env={"COLOUR": "blue"})
    opt = facts(subject)["opt"]
    assert {name: opt.get(name) for name in value} == value


@covers("SC-269")
def test_logic_does_not_nest(start: Starter) -> None:
    ended = start.run(SITE + "if-not-env = A\nif-not-env = B\nendif =\nendif =\n", files=FILES)
    assert ended.code == 1


@covers("SC-270")
def test_strict_allows_placeholders(start: Starter) -> None:
    subject = start(SITE + "strict = true\nset-placeholder = mine=x\n", files=FILES)
    assert get(subject.port).status == 200
