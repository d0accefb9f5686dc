"""What is said about the names of a configuration."""

import pytest

from refuwsgi.cli_judge import Finding, Names, is_strict, judge, raise_errors
from refuwsgi.options import Option, OptionError, Setting, number, text

OPTIONS = (
    Option("processes", number, default=1, help="", aliases=("workers",)),
    Option("chroot-like", text, default="", help=""),
)


def findings_of(
    *settings: tuple[str, str | None], used: str = "", own: str = "", strict: bool = False
) -> list[Finding]:
    read = [Setting(name, value, f"a.ini:{n}") for n, (name, value) in enumerate(settings, 1)]
    return judge(read, OPTIONS, Names(set(own.split()), set(used.split())), strict)


def test_what_is_obeyed_is_not_mentioned() -> None:
    assert findings_of(("processes", "1"), ("workers", "2"), ("chroot-like", "x")) == []


def test_an_unknown_name_is_said_once_with_what_was_meant() -> None:
    found = findings_of(("proceses", "1"), ("proceses", "2"))
    assert found == [
        Finding(
            "warning",
            "a.ini:1: proceses: no such option, and no %(proceses) uses it; "
            "did you mean processes?",
        )
    ]


def test_a_name_of_the_operators_own_is_silent_if_something_uses_it() -> None:
    assert findings_of(("base", "/srv"), used="base") == []


def test_strict_refuses_names_of_the_operators_own_but_those_of_set_placeholder() -> None:
    found = findings_of(("base", "/srv"), ("ours", "1"), used="base", own="ours", strict=True)
    assert [finding.kind for finding in found] == ["error"]
    assert found[0].text.startswith("a.ini:1: [strict-mode] unknown config directive: base")
    with pytest.raises(OptionError, match="strict-mode"):
        raise_errors(found)


def test_names_without_effect_share_one_line() -> None:
    found = findings_of(("gevent", "100"), ("plugins", "python"), ("async", "2"), ("cgi-mode", "0"))
    assert found == [Finding("note", "accepted without effect here: async, gevent, plugins")]


def test_what_would_do_harm_is_refused() -> None:
    found = findings_of(("chroot", "/srv"))
    assert found[0].kind == "error"
    assert found[0].text.startswith("a.ini:1: chroot: not supported: ")


def test_a_refused_flag_may_be_off() -> None:
    assert findings_of(("jailed", "false")) == []


@pytest.mark.parametrize(
    ("value", "expected"), [(None, True), ("true", True), ("false", False), ("0", False)]
)
def test_strict_is_a_flag(value: str | None, expected: bool) -> None:
    assert is_strict([Setting("strict", value, "")]) is expected


def test_variables_and_set_may_make_names_unless_strict() -> None:
    settings = [Setting("x", "1", "environment"), Setting("y", "1", "command line: set")]
    assert judge(settings, OPTIONS, Names(set(), set()), False) == []
    assert len(judge(settings, OPTIONS, Names(set(), set()), True)) == 2
