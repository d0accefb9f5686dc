"""refuwsgi check."""

from pathlib import Path

import pytest

from refuwsgi.commands.check import check, main

ODD = """[uwsgi]
base = /srv
print = "%(base)" # x
strict = 1 ; text
vaccum = true
touch-reload = true
print = '/x'
master = 1
exit = abc
chroot = /
exit = 3
exit = 4
http-processes = 2
gevent = 5
"""


@pytest.fixture
def odd(tmp_path: Path) -> str:
    path = tmp_path / "a.ini"
    path.write_text(ODD.replace("strict = 1 ; text\n", "show-config = 1 ; text\n"))
    return str(path)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("warning", ":4: show-config: '; text' is taken for a comment"),
        ("warning", ":5: vaccum: no such option, and no %(vaccum) uses it; did you mean vacuum?"),
        ("warning", ":6: touch-reload: the name of a file is expected; 'true' is taken for one"),
        ("error", ":9: exit: expected a number, got 'abc'"),
        ("error", ":10: chroot: not supported"),
        ("warning", ":12: exit: given 3 times, only the last counts"),
        ("warning", ":13: http-processes: no effect without a router"),
        ("note", "gevent"),
    ],
)
def test_what_is_wrong_or_odd_is_found(odd: str, kind: str, part: str) -> None:
    found = [finding.text for finding in check([odd]) if finding.kind == kind]
    assert any(part in text for text in found), found


def test_findings_come_in_the_order_of_the_file(
    odd: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([odd]) == 1
    lines = capsys.readouterr().err.splitlines()
    numbers = [int(line.split(":")[2]) for line in lines if odd in line]
    assert numbers == sorted(numbers)
    assert len(numbers) > 5


def test_a_good_file_has_status_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ini"
    path.write_text("[uwsgi]\nshow-config = true\n")
    assert main([str(path)]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_read_has_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nothere.ini"]) == 1
    assert capsys.readouterr().err == (
        "error: command line: /nothere.ini: No such file or directory\n"
    )
