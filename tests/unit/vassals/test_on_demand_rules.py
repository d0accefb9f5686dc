"""The three rules that name a socket, on files and commands, without an emperor."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.loop import Loop
from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals import on_demand, on_demand_directory, on_demand_exec, on_demand_extension
from refuwsgi.vassals.on_demand_directory import ByDirectory
from refuwsgi.vassals.on_demand_exec import ByCommand
from refuwsgi.vassals.on_demand_extension import ByExtension
from refuwsgi.vassals.socket_name import socket_name


def answer(asked: Coroutine[Any, Any, str | None]) -> str | None:
    """Run what may have to wait for a command."""
    said: list[str | None] = []

    async def ask() -> None:
        said.append(await asked)

    loop = Loop()
    loop.spawn(ask())
    loop.run()
    return said[0]


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (b"/p/a.sock\n", "/p/a.sock"),
        (b"/p/a.sock\r\nsecond", "/p/a.sock"),
        (b"/p/a b.sock \t#", "/p/a b.sock "),
        (b"127.0.0.1:3031", "127.0.0.1:3031"),
        (b"", None),
        (b"\n/p/a.sock", None),
        ("/p/\u00e9.sock".encode(), "/p/\u00e9.sock"),
        (b"/p/\xff", "/p/\udcff"),
    ],
)
def test_a_name_ends_at_the_first_control_character(read: bytes, name: str | None) -> None:
    assert socket_name(read) == name


@pytest.mark.parametrize(
    ("vassal", "socket"),
    [
        ("/etc/uwsgi/vassals/myapp.ini", "/var/tmp/myapp.socket"),
        ("myapp.ini", "/var/tmp/myapp.socket"),
        ("my.shop.ini", "/var/tmp/my.shop.socket"),
        (".hidden.ini", "/var/tmp/.hidden.socket"),
        ("/v/v1.0/deep.ini", "/var/tmp/deep.socket"),
        ("/v/v1.0/deep", None),
    ],
)
def test_the_directory_rule(vassal: str, socket: str | None) -> None:
    assert answer(ByDirectory("/var/tmp").socket_for(vassal)) == socket


def test_the_extension_rule(tmp_path: Path) -> None:
    vassal = tmp_path / "myapp.ini"
    rule = ByExtension(".socket")
    assert answer(rule.socket_for(str(vassal))) is None
    (tmp_path / "myapp.ini.socket").write_text(":3031\n")
    assert answer(rule.socket_for(str(vassal))) == ":3031"
    (tmp_path / "myapp.ini.socket").write_text("")
    assert answer(rule.socket_for(str(vassal))) is None


def test_the_command_gets_the_full_path_last(tmp_path: Path) -> None:
    rule = ByCommand("printf '%s|' one \"two three\"")
    assert answer(rule.socket_for(f"{tmp_path}/a b.ini")) == f"one|two three|{tmp_path}/a b.ini|"


def test_the_command_gets_a_relative_path_made_absolute() -> None:
    assert answer(ByCommand("echo").socket_for("a.ini")) == f"{os.getcwd()}/a.ini"


def test_a_name_is_data_and_not_a_program(tmp_path: Path) -> None:
    vassal = tmp_path / 'a$(touch pwned)`touch pwned`";touch pwned;".ini'
    assert answer(ByCommand("echo").socket_for(str(vassal))) == str(vassal)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("echo /run/a.sock; exit 1 #", "/run/a.sock"),
        ("exit 1; true", None),
        ("no-such-command-at-all", None),
        ("printf '\\n/run/a.sock'; true", None),
        ("echo oops >&2; true", None),
    ],
)
def test_only_the_output_of_the_command_counts(
    command: str, name: str | None, tmp_path: Path
) -> None:
    assert answer(ByCommand(command).socket_for(f"{tmp_path}/a.ini")) == name


def test_a_command_that_takes_too_long_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand_exec, "PATIENCE", 0.1)
    assert answer(ByCommand("sleep 60; echo x").socket_for(f"{tmp_path}/a.ini")) is None


def test_extension_comes_before_directory_before_command() -> None:
    every = {
        "emperor_on_demand_extension": ".socket",
        "emperor_on_demand_directory": "/var/tmp",
        "emperor_on_demand_exec": "echo",
    }
    kinds = []
    while every:
        kinds.append(type(on_demand.rule(config_of(**every))))
        every.pop(next(iter(every)))
    assert kinds == [ByExtension, ByDirectory, ByCommand]
    assert on_demand.rule(config_of()) is None


def test_the_short_names() -> None:
    assert on_demand_extension.configured(config_of(emperor_on_demand_ext=".s")) is not None
    assert on_demand_directory.configured(config_of(emperor_on_demand_dir="/d")) is not None


@pytest.mark.parametrize("option", ["extension", "directory", "exec"])
def test_an_empty_value_is_an_error(option: str) -> None:
    with pytest.raises(OptionError, match=f"emperor-on-demand-{option}: expected"):
        on_demand.rule(config_of(**{f"emperor_on_demand_{option}": ""}))
