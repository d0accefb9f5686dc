"""Placeholders and their arithmetic."""

import pytest

from refuwsgi.ini_placeholders import Placeholders

VALUES = {
    "a": "7",
    "b": "%(a)0",
    "n": "a",
    "self": "x%(self)",
    "ping": "%(pong)",
    "pong": "%(ping)",
    "env": "$(HOME)/x",
}
PLACEHOLDERS = Placeholders({"HOME": "/root"}, lambda name: f"<{name}>\n", VALUES)

CASES = [
    ("%(a + 3 * 2)", "20"),
    ("%(a - 10)", "-3"),
    ("%(a / 2)", "3"),
    ("%(a / 0)", "0"),
    ("%(3 + 4)", "7"),
    ("%(a ++)", "8"),
    ("%(a --)", "6"),
    ("%(a a)", "77"),
    ("%(a + 2 a)", "97"),
    ("%(a + b)", "77"),
    ("%(a+3)", "%(a+3)"),
    ("%(a + nope)", "%(a + nope)"),
    ("x%(b)y", "x70y"),
    ("%(%(n))", "7"),
    ("%(nope)", "%(nope)"),
    ("%()", "%()"),
    ("%(a", "%(a"),
    ("%(self)", "x%(self)"),
    ("%(ping)", "%(ping)"),
    ("%(env)", "/root/x"),
    ("$(HOME)$(NOPE)", "/root$(NOPE)"),
    ("@(%(a).txt)-@(b)", "<7.txt>-<b>"),
    ("@(exec://echo (a))", "<exec://echo (a)>"),
    ("@(open", "@(open"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_is_known_is_replaced(text: str, expected: str) -> None:
    assert PLACEHOLDERS.replace(text, own="mine") == expected


def test_a_value_that_names_itself_stays() -> None:
    assert PLACEHOLDERS.replace(VALUES["self"], own="self") == "x%(self)"
    assert PLACEHOLDERS.replace(VALUES["ping"], own="ping") == "%(ping)"


def test_a_long_chain_of_names_is_a_mistake() -> None:
    chain = {f"x{n}": f"%(x{n + 1})" for n in range(2000)}
    with pytest.raises(ValueError, match="too deeply"):
        Placeholders({}, str, chain).replace("%(x0)")


def test_who_is_asked_for_is_remembered() -> None:
    placeholders = Placeholders({}, str, VALUES)
    placeholders.replace("%(a + 1)%(nope)")
    assert {"a", "nope"} <= placeholders.used
