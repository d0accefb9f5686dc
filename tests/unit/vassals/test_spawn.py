"""What a vassal is started with, and how clean the place is in which it starts."""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from refuwsgi.options import config_of
from refuwsgi.vassals.scan import Found
from refuwsgi.vassals.spawn import CANNOT_RUN, Binary, Launch, configured, environment, launch

TELL = """#!{python}
import json, os, signal, sys
told = dict(
    argv=sys.argv[1:], cwd=os.getcwd(), environ=dict(os.environ),
    fds=[int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + fd)],
    zero=os.readlink("/proc/self/fd/0"), blocked=len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
)
json.dump(told, open({out!r}, "w"))
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.ini", ["--ini", "a.ini"]),
        ("a.xml", ["--xml", "a.xml"]),
        ("a.yml", ["--yaml", "a.yml"]),
        ("a.yaml", ["--yaml", "a.yaml"]),
        ("a.js", ["--json", "a.js"]),
        ("a.json", ["--json", "a.json"]),
        ("a.conf", ["--config", "a.conf"]),
        ("-h.ini", ["--ini", "./-h.ini"]),
        ("/v/a b.ini", ["--ini", "/v/a b.ini"]),
    ],
)
def test_the_ending_chooses_the_option(name: str, words: list[str]) -> None:
    assert Binary().words(Found(name, 0)) == words


def test_a_config_that_comes_along_is_the_emperors() -> None:
    assert Binary().words(Found("a.ini", 0, config=b"")) == ["--ini", "emperor://a.ini"]


def test_the_options_of_all_vassals() -> None:
    binary = configured(
        config_of(
            emperor_wrapper="/bin/w",
            vassal_set=["a=b", "c=d"],
            vassals_include="i",
            vassals_include_before="ib",
            vassals_inherit="t",
            vassals_inherit_before="tb",
        )
    )
    words = "--inherit tb --include ib --set a=b --set c=d --ini a.ini --inherit t --include i"
    assert binary.command(Found("a.ini", 0)) == ["/bin/w", *words.split()]
    ours = configured(config_of()).command(Found("a.ini", 0))
    assert ours == [sys.executable, "-P", "-m", "refuwsgi", "--ini", "a.ini"]


def test_the_environment() -> None:
    base = {
        "PATH": "/bin",
        "UWSGI_RELOADS": "3",
        "NOTIFY_SOCKET": "/run/notify",
        "UWSGI_EMPEROR_FD": "9",
        "UWSGI_EMPEROR_FD_CONFIG": "10",
        "UWSGI_VASSAL_PROCESSES": "4",
        "UWSGI_OTHER": "kept",
    }
    assert environment(base, 5, -1) == {
        "PATH": "/bin",
        "UWSGI_PROCESSES": "4",
        "UWSGI_OTHER": "kept",
        "UWSGI_EMPEROR_FD": "5",
    }
    assert environment({}, 5, 6) == {"UWSGI_EMPEROR_FD": "5", "UWSGI_EMPEROR_FD_CONFIG": "6"}


def status_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("on_demand", [True, False])
def test_a_process_starts_clean(tmp_path: Path, on_demand: bool) -> None:
    wrapper, out = tmp_path / "wrapper", tmp_path / "out"
    wrapper.write_text(TELL.format(python=sys.executable, out=str(out)))
    wrapper.chmod(0o755)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(ours.fileno(), True)  # as somebody careless might leave it
        stdin = listener.fileno() if on_demand else -1
        found = Found("a.ini", 0, folder=str(tmp_path))
        pid = launch(Launch(Binary(str(wrapper)), found, stdin, theirs.fileno()))
        assert status_of(pid) == 0
        told = json.loads(out.read_text())
        assert told["argv"] == ["--ini", "a.ini"]
        assert told["cwd"] == str(tmp_path)
        assert told["environ"]["UWSGI_EMPEROR_FD"] == str(theirs.fileno())
        assert set(told["fds"]) == {0, 1, 2, theirs.fileno()}
        assert told["blocked"] == 0
        zero = os.readlink(f"/proc/self/fd/{stdin}") if on_demand else os.devnull
        assert told["zero"] == zero


def test_a_binary_that_cannot_be_run_ends_its_process(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = Found("a.ini", 0, folder=str(tmp_path))
        pid = launch(Launch(Binary(str(tmp_path / "none")), found, -1, theirs.fileno()))
        assert status_of(pid) == CANNOT_RUN
    assert "[emperor] a.ini cannot be started: [Errno 2]" in capfd.readouterr().err


def test_a_vassal_of_ours_starts_from_the_warm_emperor(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def main(words: Sequence[str]) -> int:
        told = {"words": list(words), "argv": sys.argv, "cwd": os.getcwd(), "pid": os.getpid()}
        told |= {"orig": sys.orig_argv, "fd": os.environ["UWSGI_EMPEROR_FD"]}
        out.write_text(json.dumps(told))
        raise SystemExit(7)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = Found("a.ini", 0, folder=str(tmp_path))
        pid = launch(Launch(Binary(), found, -1, theirs.fileno(), warm=main))
        assert status_of(pid) == 7
        told = json.loads(out.read_text())
        assert (told["words"], told["argv"]) == (["--ini", "a.ini"], ["refuwsgi", "--ini", "a.ini"])
        assert told["orig"] == Binary().command(found)
        assert (told["cwd"], told["pid"]) == (str(tmp_path), pid)
        assert told["fd"] == str(theirs.fileno())


def test_an_error_in_a_warm_vassal_never_returns_to_the_emperor(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def main(words: Sequence[str]) -> int:
        raise ZeroDivisionError("as wanted")

    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = Found("a.ini", 0, folder=str(tmp_path))
        pid = launch(Launch(Binary(), found, -1, theirs.fileno(), warm=main))
        assert status_of(pid) == CANNOT_RUN
    assert "ZeroDivisionError: as wanted" in capfd.readouterr().err
