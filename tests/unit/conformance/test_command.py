"""The command `refuwsgi-conformance`: its lists, errors, grids; and one run of each kind."""

import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from docs._ext.source import ROOT
from refuwsgi import __version__
from tests.conformance.command import comparing, main, running, suite, telling, writing
from tests.conformance.command.arguments import parser
from tests.conformance.harness.requirements import Known, listed

CASE = "fastrouter/test_getting_started.py::test_the_command_of_the_document_keeps_serving"


def command(*words: str, sut: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own: pytest runs in it."""
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance.command", *words],
        cwd=ROOT,
        env={**os.environ, "SUT": sut, "SUT_NAME": ""},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_list_of_cases_asks_no_binary() -> None:
    done = command("list", CASE, sut="/nowhere/at/all")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"required  {CASE}  FR-14", "1 cases"]


def test_a_word_that_names_nothing_is_told_in_one_line() -> None:
    done = command("run", CASE, "FR-14000")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "'FR-14000' names no case" in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["run", "--profile", "all"], 2, "argument --profile: invalid choice: 'all'"),
        (["run", "-n", "0"], 2, "argument -n: expected a number from 1 on, got '0'"),
        (["--sut", "/nowhere/uwsgi"], 3, "/nowhere/uwsgi: no such program"),
        (["--sut", "'"], 2, "--sut: No closing quotation"),
        (["--xfail", "/nowhere/list"], 2, "/nowhere/list: "),
        (["--json", "/nowhere/a/b"], 2, "/nowhere/a/b: the directory cannot be written to"),
        (["compare"], 2, "the following arguments are required: JSON"),
        (["compare", "/nowhere/r.json"], 2, "/nowhere/r.json: No such file"),
        (["list", "--sections", "--requirements"], 2, "not allowed with argument"),
    ],
)
def test_errors_are_one_line(
    words: list[str],
    status: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUT", "")  # the command sets it
    assert main(words) == status
    told = capsys.readouterr().err
    assert text in told
    assert told.startswith("refuwsgi-conformance: ")
    assert len(told.splitlines()) == 1


def test_the_help_names_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "exit status: 0 " in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"refuwsgi-conformance {__version__}\n"


def test_a_list_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('"a" = " "\n')
    with pytest.raises(ValueError, match="a: expected a reason"):
        listed(path)
    path.write_text('"a" = {because = "x"}\n')
    with pytest.raises(ValueError, match="a: expected a reason"):
        listed(path)


def test_a_failure_says_everything_a_reader_needs(tmp_path: Path) -> None:
    """A case that holds, and that a list says to fail, fails: strictly."""
    known = tmp_path / "known.toml"
    known.write_text(f'"{CASE}" = "it was thought to differ"\n')
    found, junit = tmp_path / "found.json", tmp_path / "found.xml"
    files = ["--json", str(found), "--junit", str(junit), "--write-xfail", str(tmp_path / "new")]
    done = command("run", CASE, "--once", "--xfail", str(known), *files)
    assert done.returncode == 1, done.stderr
    for part in (
        "claim:        Without a master the router runs in the foreground.",
        "requirement:  FR-14 (required): ",
        "clause:       fastrouter, section 'Getting started', https://",
        "uWSGI 2.0.31: differs here: D-5: without a master it ends at once",
        "again:        refuwsgi-conformance --sut ",
        "[XPASS(strict)] it was thought to differ",
        "uwsgi packet: modifiers 0, 0; 9 vars: REQUEST_METHOD=GET, ",
        "000000  00 b9 00 00 0e 00 52 45 51 55 45 53 54 5f 4d 45  ......REQUEST_ME",
        " -m refuwsgi --fastrouter 127.0.0.1:",
        "--- log\n",
        "1 failed",
        "0 of 1 requirements hold, 1 fails",
    ):
        assert part in done.stdout
    assert json.loads(found.read_text())["cases"][CASE][0] == "fails"
    assert xml.parse(junit).getroot()[0].get("failures") == "1"
    assert tomllib.loads((tmp_path / "new").read_text()) == {}  # it is no difference


def test_what_fails_is_run_again_and_written_down(tmp_path: Path) -> None:
    """A program that only tells its version keeps nothing of what is asked."""
    binary = tmp_path / "nothing"
    binary.write_text(
        '#!/bin/sh\necho "nothing 1.0"; echo " --fastrouter --master --fastrouter-to"\n'
    )
    binary.chmod(0o755)
    case = "fastrouter/test_getting_started.py::test_several_addresses_of_several_kinds"
    words = [case, "--write-xfail", str(tmp_path / "new"), "--sut", str(binary)]
    done = command(*words)
    assert done.returncode == 1, done.stdout
    assert "judging nothing (" in done.stdout
    assert "result:       setup" in done.stdout
    reason = tomllib.loads((tmp_path / "new").read_text())[case]
    assert reason == "reason not found yet: tests.conformance.harness.errors.SetupFailed: the" + (
        " subject ended with 0"
    )


def test_a_list_keeps_the_reasons_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"a": Known("why"), "b*": Known("a race", sometimes=True)}
    monkeypatch.setattr(writing, "known", lambda name: table if name == "mine" else {})
    cases = {
        "a": ("differs", "why"),
        "b1": ("differs", "a race"),
        "c": ("fails", "assert 1"),
        "d": ("fails", "[XPASS(strict)] no"),
        "e": ("", ""),
        "f": ("absent", "x"),
    }
    assert tomllib.loads(writing.known_list(cases, "mine", None)) == {
        "a": "why",
        "b1": {"reason": "a race", "sometimes": True},
        "c": "reason not found yet: assert 1",
    }


def results(path: Path, name: str, **found: object) -> Path:
    path.write_text(json.dumps({"binary": name, "results": {**found}}))
    return path


def test_results_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = results(tmp_path / "1", "one-1", **{"FR-1": True, "FR-2": ["differs", "<why>"]})
    two = results(tmp_path / "2", "two-2", **{"FR-1": True, "FR-3": ["absent", "x"]})
    page = tmp_path / "grid.html"
    assert main(["compare", str(one), str(two), "--html", str(page)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["  +- one-1", "  | +- two-2"]
    assert [line[:9] for line in shown[2:4]] == ["  d    FR", "    .  FR"]
    assert "one-1: 1 of 3 hold; 1 differs, 1 nothing" in shown
    assert '<td class="differs" title="&lt;why&gt;">differs</td>' in page.read_text()
    assert main(["compare", "--all", str(one)]) == 0
    assert "  +  FR-1" in capsys.readouterr().out


def test_a_grid_with_a_failure_ends_with_one(tmp_path: Path) -> None:
    one = results(tmp_path / "1", "one-1", **{"FR-1": ["fails", "x"], "unheard-of": True})
    assert main(["compare", str(one)]) == 1
    assert list(comparing.grid_of([comparing.read(one)]).rows) == ["FR-1", "unheard-of"]


def test_runs_of_one_binary_case_by_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    head = {"binary": "one-1", "results": {}}
    cases = {"a": ["differs", "as listed"], "b": ["fails", "why"]}
    one.write_text(json.dumps({**head, "counts": {"holds": 7}, "cases": cases}))
    two.write_text(json.dumps({**head, "counts": {"holds": 8}, "cases": {"a": ["differs", "x"]}}))
    assert main(["compare", "--cases", str(one), str(two)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "b: fails, holds",
        "holds: 7, 8",
        f"{one}, {two}: 1 case(s) did not end the same",
    ]
    assert main(["compare", "--cases", str(one), str(one)]) == 0
    assert capsys.readouterr().out == f"{one}, {one}: every case ended the same\n"


def test_a_relative_path_means_the_same_in_every_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uwsgi").touch()
    assert running._from_anywhere("bin/uwsgi") == str(tmp_path / "bin" / "uwsgi")
    assert running._from_anywhere("uwsgi") == "uwsgi"
    assert running._from_anywhere("--plugins-dir=a/b") == "--plugins-dir=a/b"


def test_an_interrupted_run_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SUT", "SUT_NAME"):
        monkeypatch.setenv(name, "")  # the command sets them
    monkeypatch.setattr(running, "_check_binary", lambda: None)
    monkeypatch.setattr(suite, "call", lambda *words: running.INTERRUPTED)
    assert main(["--name", "nobody", "--profile", "observed", "-q"]) == 3
    told = capsys.readouterr()
    assert "0 cases in" in told.out
    assert told.err == "refuwsgi-conformance: interrupted\n"


def test_what_was_unsteady_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    teller = telling.Teller()
    teller.record.add("a", ["FR-1"], "fails", "late")
    teller.texts["a"] = "how it failed"
    teller.record.again("a", "")
    teller.end(["a"])
    told = capsys.readouterr().out
    assert "======== a (held when it was run again, alone)\nhow it failed\n" in told
    assert "1 unsteady: failed beside others, held alone\n    a\n" in told


def test_a_whole_run_uses_every_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(3)))

    def parallel(*words: str) -> list[str]:
        return running._parallel(parser().parse_args(["run", *words]))

    assert parallel() == ["-n", "3"]
    assert parallel("FR-1") == parallel("-n", "1") == []
    assert parallel("FR-1", "-n", "2") == ["-n", "2"]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    assert parallel() == ["-n", "4"]


def test_a_run_in_which_nothing_was_judged_says_so(tmp_path: Path) -> None:
    binary = tmp_path / "nothing"
    binary.write_text("#!/bin/sh\necho nothing 1.0\n")
    binary.chmod(0o755)
    done = command(CASE, "--sut", str(binary), "-q")
    assert done.returncode == 3, done.stdout
    assert "1 not judged: the binary lacks an option" in done.stdout
