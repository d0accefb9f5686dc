"""Conditions and loops of a configuration."""

import pytest

from refuwsgi import ini_logic
from refuwsgi.options import OptionError
from tests.unit.worlds import pairs_of

VARIABLES = {"HOME": "/root", "EMPTY": ""}

CONDITIONS: list[tuple[str, str | None]] = [
    ("if-env = HOME", "/root"),
    ("ifenv = HOME", "/root"),
    ("if-env = EMPTY", ""),
    ("if-env = NOPE", None),
    ("if-not-env = NOPE", "%(_)"),
    ("if-not-env = HOME", None),
    ("if-exists = /etc/made", "/etc/made"),
    ("if-exists = b.ini", "b.ini"),
    ("if-exists = $(WHICH)", None),
    ("if-not-exists = nope", "%(_)"),
    ("if-file = b.ini", "b.ini"),
    ("if-file = /etc/made", None),
    ("if-not-file = /etc/made", "%(_)"),
    ("if-dir = /etc/made", "/etc/made"),
    ("if-directory = /etc/made", "/etc/made"),
    ("if-not-dir = b.ini", "%(_)"),
    ("if-opt = base", "1"),
    ("if-opt = base=1", "1"),
    ("if-opt = base=2", None),
    ("if-opt = later", None),
    ("if-not-opt = later", "%(_)"),
    ("if-not-opt = base=2", "%(_)"),
    ("if-reload =", None),
    ("if-not-reload", "%(_)"),
    ("if-hostname = made.example", "made.example"),
    ("if-not-hostname = other", "other"),
    ("if-hostname-match = ^made", "^made"),
    ("if-not-hostname-match = ^made", None),
    ("if-plugin = python", "python"),
    ("if-not-plugin = rack", "%(_)"),
    ("if-env = %(name)", "/root"),
]


@pytest.mark.parametrize(("line", "expected"), CONDITIONS)
def test_a_condition_lets_its_lines_count_or_not(line: str, expected: str | None) -> None:
    text = f"[uwsgi]\nbase = 1\nname = HOME\n{line}\n  x = %(_)\nendif =\nlater = 1\n"
    found = pairs_of(text, VARIABLES, b_ini="")
    assert [value for name, value in found if name == "x"] == (
        [] if expected is None else [expected]
    )
    assert found[-1] == ("later", "1")


LOOPS: list[tuple[str, list[str]]] = [
    ("for = a b  c", ["a", "b", "c"]),
    ("for =", []),
    ("for-times = 3", ["1", "2", "3"]),
    ("for-glob = *.txt", ["b.txt", "c.txt"]),
    ("for-readline = b.txt", ["A=1", "B=2"]),
]


@pytest.mark.parametrize(("line", "expected"), LOOPS)
def test_a_loop_repeats_its_lines_one_by_one(line: str, expected: list[str]) -> None:
    text = f"[uwsgi]\n{line}\n  x = %(_)\n  y = %(_)\nendfor =\nz = 1\n"
    found = pairs_of(text, b_txt="A=1\nB=2\n", c_txt="")
    assert found[1:-2] == [("x", each) for each in expected] + [("y", each) for each in expected]


def test_a_loop_repeats_its_lines_so_often_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ini_logic, "LIMIT", 2)
    with pytest.raises(OptionError, match=r"^a\.ini:2: for: expected at most 2 repetitions, got 3"):
        pairs_of("[uwsgi]\nfor = a b c\nx = %(_)\nendfor\n")


@pytest.mark.parametrize("end", ["end", "endif", "endfor", "end-if = true", "end-for"])
def test_every_end_ends_a_block(end: str) -> None:
    assert pairs_of(f"[uwsgi]\nif-env = NOPE\nx = 1\n{end}\ny = 1\n")[-1] == ("y", "1")


def test_after_a_reload() -> None:
    assert ("x", "%(_)") in pairs_of("[uwsgi]\nif-reload\nx = %(_)\nendif\n", {"RELOADED": "1"})


def test_a_condition_may_include_a_file_with_conditions() -> None:
    text = "[uwsgi]\nif-env = HOME\nini = b.ini\ny = %(_)\nendif\nz = 1\n"
    found = pairs_of(text, VARIABLES, b_ini="[uwsgi]\nif-env = NOPE\nx = 1\nendif\nw = 1\n")
    assert [name for name, _ in found if len(name) == 1] == ["w", "y", "z"]
