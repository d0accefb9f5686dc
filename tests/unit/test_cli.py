"""The command as it is typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from refuwsgi import __version__, cli
from refuwsgi.cli import Read, read
from refuwsgi.options import OptionError


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("UWSGI_"):
            monkeypatch.delenv(name)


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def values_of(result: Read, name: str) -> list[str | None]:
    return [setting.value for setting in result.settings if setting.name == name]


def run(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "refuwsgi", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"refuwsgi {__version__}\n")


def test_help_lists_options_by_section() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "\nground / the command\n" in done.stdout
    assert "--strict" in done.stdout


def test_a_command_is_called_by_its_name() -> None:
    assert run("check").returncode == 1
    assert run("check", "--help").stdout.startswith("Usage: refuwsgi check")


def test_words_count_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UWSGI_PROCESSES", "1")
    name = write("a.ini", "[uwsgi]\nprocesses = 3\n")
    result = read(["-p", "2", name, "--processes", "4"])
    assert values_of(result, "processes") == ["1", "2", "3", "4"]
    assert [s.where for s in result.settings if s.name == "processes"] == [
        "environment",
        "command line",
        "a.ini:2",
        "command line",
    ]


def test_what_an_emperor_tells_its_vassal_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UWSGI_EMPEROR_FD", "UWSGI_RELOADS", "UWSGI_ORIGINAL_PROC_NAME"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UWSGI_EMPEROR", "/etc/vassals")
    assert [setting.name for setting in read([]).settings] == ["emperor"]


@pytest.mark.parametrize("name", ["--ini", "--config"])
def test_a_file_may_be_named_by_its_format(name: str) -> None:
    write("a.ini", "[x]\nfoo = 1\n")
    assert values_of(read([name, "a.ini:x"]), "foo") == ["1"]


def test_a_configuration_may_come_from_a_pipe() -> None:
    done = run("--ini", "-", text="[uwsgi]\nprint = hello\nexit = 5\n")
    assert (done.returncode, done.stdout) == (5, "hello\n")


def test_a_configuration_may_come_from_a_command() -> None:
    result = read(["--ini", "exec://printf '[uwsgi]\\nfoo = 1\\n'"])
    assert values_of(result, "foo") == ["1"]


def test_a_configuration_may_come_from_a_descriptor() -> None:
    with open(write("a.ini", "[uwsgi]\nfoo = 1\n"), "rb") as file:
        copy = os.dup(file.fileno())
        assert values_of(read(["--ini", f"fd://{copy}"]), "foo") == ["1"]


def test_codes_of_a_real_file() -> None:
    write("a.ini", "[uwsgi]\nx = %s %e %n %c %V %k\n")
    expected = f"a.ini ini a {Path.cwd().name} 2.0.31 {os.cpu_count()}"
    assert values_of(read(["a.ini"]), "x") == [expected]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["junk"], "command line: unable to load configuration from junk"),
        (["app:application"], "command line: unable to load configuration from app:application"),
        (["nothere.ini"], "command line: nothere.ini: No such file or directory"),
        (["--ini", ":x"], "command line: :x: no ini file was read before"),
        (["--ini", "exec://exit 3"], "command line: exec://exit 3 ended with status 3"),
        (["--ini", "fd://x"], "command line: expected the number of a descriptor, got 'fd://x'"),
        (["--ini", "ftp://x"], "command line: unable to load configuration from ftp://x"),
        (["--ini", "emperor://x"], "command line: emperor://x: emperor:// works in a vassal only"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error_of_one_line(words: list[str], line: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(words)
    assert str(caught.value) == line


def test_a_mistake_ends_the_command_with_one_line_and_status_1() -> None:
    write("a.ini", "[uwsgi]\nprocesses = abc\n")
    done = run("a.ini")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "a.ini:2: processes: expected a number, got 'abc'\n"


def test_get_prints_values_and_ends() -> None:
    write("a.ini", "[uwsgi]\nfoo = %(bar)2\nbar = 1\n")
    done = run("a.ini", "--get", "foo", "--get", "bar")
    assert (done.returncode, done.stdout) == (0, "12\n1\n")


def test_bytes_that_are_no_utf_8_pass_through() -> None:
    Path("a.ini").write_bytes(b"[uwsgi]\nfoo = \xff\n")
    result = read(["a.ini"])
    assert [os.fsencode(value or "") for value in values_of(result, "foo")] == [b"\xff"]
    assert run("a.ini", "--get", "foo").returncode == 0


def test_the_configuration_is_shown_as_ini() -> None:
    write("a.ini", "[uwsgi]\nfoo = 1\nmaster\n")
    assert cli.shown(read(["a.ini"]).settings) == [
        ";uWSGI instance configuration",
        "[uwsgi]",
        "config = a.ini",
        "foo = 1",
        "master =",
        ";end of configuration",
    ]


def test_a_file_that_is_too_large_is_refused() -> None:
    write("a.ini", "[uwsgi]\n" + "# x\n" * (2 << 20))
    with pytest.raises(OptionError, match="at most"):
        read(["a.ini"])
