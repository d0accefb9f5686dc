"""Declarations of options, and the configuration that settings make of them."""

import pytest

from refuwsgi.options import (
    JOIN,
    Config,
    Option,
    OptionError,
    Setting,
    build,
    flag,
    mode,
    number,
    text,
    texts,
)

PROCESSES = Option("processes", number, default=1, help="", aliases=("workers", "p"))
MASTER = Option("master", flag, default=False, help="", aliases=("M",))
CHEAPER = Option("cheaper", number, default=0, help="", implies=("master",))
SOCKET = Option("socket", texts, default=(), help="", repeat=JOIN)
HTTP = Option("http", texts, default=(), help="", repeat=JOIN)
CHMOD = Option("chmod-socket", mode, default=None, help="", bare="666")
CHDIR = Option("chdir", text, default="", help="")
OPTIONS = (PROCESSES, MASTER, CHEAPER, SOCKET, HTTP, CHMOD, CHDIR)


def config_from(*settings: tuple[str, str | None]) -> Config:
    numbered = [Setting(name, value, f"a.ini:{n}") for n, (name, value) in enumerate(settings, 1)]
    return build(numbered, OPTIONS)


def test_what_is_not_set_has_its_default() -> None:
    config = config_from()
    assert (config[PROCESSES], config[SOCKET], config[CHMOD]) == (1, (), None)
    assert not config.given(PROCESSES)
    assert config.where(PROCESSES) == ""


def test_the_last_of_several_counts_whatever_alias_it_has() -> None:
    config = config_from(("processes", "2"), ("workers", "3"))
    assert config[PROCESSES] == 3
    assert config.where(PROCESSES) == "a.ini:2"


def test_a_letter_is_no_name_in_a_file() -> None:
    assert config_from(("p", "4"))[PROCESSES] == 1


def test_values_that_repeat_are_joined_in_order() -> None:
    assert config_from(("socket", ":1"), ("http", ":2"), ("socket", ":3"))[SOCKET] == (":1", ":3")


def test_several_options_can_be_asked_for_in_the_order_of_the_file() -> None:
    config = config_from(("socket", ":1"), ("http", ":2"), ("socket", ":3"))
    assert config.in_order(SOCKET, HTTP) == [
        (SOCKET, ":1", "a.ini:1"),
        (HTTP, ":2", "a.ini:2"),
        (SOCKET, ":3", "a.ini:3"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), ("", True), ("True", True), ("1", True), ("FALSE", False), ("0", False)],
)
def test_a_flag(value: str | None, expected: bool) -> None:
    assert config_from(("master", value))[MASTER] is expected


def test_a_bare_name_stands_for_what_its_option_says() -> None:
    assert config_from(("chmod-socket", None))[CHMOD] == 0o666
    assert config_from(("chmod-socket", ""))[CHMOD] == 0o666
    assert config_from(("chmod-socket", "660"))[CHMOD] == 0o660


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("processes", "abc", "a.ini:1: processes: expected a number, got 'abc'"),
        (
            "workers",
            "-1",
            "a.ini:1: workers: expected a number that is not negative, got '-1'",
        ),
        ("processes", "", "a.ini:1: processes: expected a number, got ''"),
        ("processes", None, "a.ini:1: processes: expected a value"),
        ("chdir", None, "a.ini:1: chdir: expected a value"),
        ("master", "flase", "a.ini:1: master: expected true or false, got 'flase'"),
        (
            "chmod-socket",
            "999",
            "a.ini:1: chmod-socket: expected octal digits, such as 660, got '999'",
        ),
    ],
)
def test_a_wrong_value_is_an_error_with_its_place(name: str, value: str | None, line: str) -> None:
    with pytest.raises(OptionError) as caught:
        config_from((name, value))
    assert str(caught.value) == line


def test_a_comment_behind_a_number_or_a_flag_is_one_and_is_warned_of() -> None:
    config = config_from(("processes", "8 ; text"), ("master", "false  # x"), ("chdir", "/a # b"))
    assert (config[PROCESSES], config[MASTER], config[CHDIR]) == (8, False, "/a # b")
    assert [line.partition(" ")[0] for line in config.warnings] == ["a.ini:1:", "a.ini:2:"]


def test_an_option_may_imply_others() -> None:
    assert config_from(("cheaper", "1"))[MASTER] is True


@pytest.mark.parametrize("also", [("master", "false"), ("cheaper", "0")])
def test_what_is_given_or_switched_off_is_not_implied(also: tuple[str, str]) -> None:
    given = [also] if also[0] == "cheaper" else [("cheaper", "1"), also]
    assert config_from(*given)[MASTER] is False


def test_a_part_can_ask_for_an_error_with_the_place() -> None:
    config = config_from(("processes", "3"))
    assert str(config.error(PROCESSES, "more than cheaper")) == (
        "a.ini:1: processes: expected more than cheaper, got '3'"
    )
    assert str(config.error(CHEAPER, "a number")) == "cheaper: expected a number"


def test_an_option_knows_what_follows_it_on_a_command_line() -> None:
    assert [option.argument for option in (MASTER, PROCESSES, CHMOD)] == [
        "none",
        "required",
        "optional",
    ]
    assert PROCESSES.letters == ("p",)
    assert PROCESSES.module == __name__
