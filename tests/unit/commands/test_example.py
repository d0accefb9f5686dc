"""refuwsgi example and refuwsgi lab: their tables, and what they say of mistakes."""

import re
import shlex

import pytest

from refuwsgi.commands import example, lab
from refuwsgi.commands.example_running import shortened
from refuwsgi.commands.lab_clients import COLUMNS
from refuwsgi.commands.lab_setups import SETUPS
from refuwsgi.commands.the_ports import free_ports
from refuwsgi.options import OptionError, catalogue
from tests.unit.commands.sections import SECTIONS

EVERY = pytest.mark.parametrize("name", example.EXAMPLES)


def test_every_section_has_an_example() -> None:
    found = {name for each in example.EXAMPLES.values() for name in (each.section, *each.also)}
    assert found == set(SECTIONS)


@EVERY
def test_an_example_uses_options_that_exist(name: str) -> None:
    known = {each for option in catalogue() for each in option.names}
    found = example.EXAMPLES[name]
    words = [word for line in found.servers.values() for word in shlex.split(line)]
    used = {word[2:] for word in words if word.startswith("--")}
    for file, text in found.files.items():
        if file.endswith(".ini"):
            used |= set(re.findall(r"^([a-z-]+) =", text, re.M))
    assert used
    assert used <= known


@EVERY
def test_an_example_says_what_to_do(name: str) -> None:
    found = example.EXAMPLES[name]
    assert found.tries
    assert found.watch
    assert found.what.endswith(".")
    for each in found.tries:
        assert shlex.split(each.line)[0] in ("curl", "grep", "refuwsgi")
        re.compile(each.expect)


def test_the_list_has_every_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(example.EXAMPLES)


@pytest.mark.parametrize(
    ("name", "part"), [("scaling/frist", "did you mean scaling/first"), ("x", "lists them")]
)
def test_a_name_that_is_none_is_said(name: str, part: str) -> None:
    with pytest.raises(OptionError, match=part):
        example.main([name])


def test_long_answers_are_shortened() -> None:
    assert shortened("short\n") == "short"
    assert shortened("x" * 9000).endswith("... (9000 characters)")


def test_no_port_is_given_twice() -> None:
    first, second = free_ports(10), free_ports(10)
    assert len({*first, *second}) == 20


def test_the_table_of_the_lab() -> None:
    cells = [["Y"] * len(COLUMNS) for _ in SETUPS]
    lines = lab.table(SETUPS, COLUMNS, cells)
    assert lines[0].split() == [column.name for column in COLUMNS]
    assert lines[1].startswith("http-socket ")
    assert lines[len(SETUPS)].count("Y") == len(COLUMNS)


def test_a_row_that_is_none_is_said() -> None:
    with pytest.raises(OptionError, match="nothing: expected one of http-socket, offload"):
        lab.main(["slow", "--rows", "nothing"])
    with pytest.raises(OptionError, match="invalid choice"):
        lab.main(["fast"])
