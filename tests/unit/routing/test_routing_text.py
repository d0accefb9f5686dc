"""Texts with holes, expressions, conditions."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.request import Request
from refuwsgi.routing.conditions import CONDITIONS
from refuwsgi.routing.expressions import compiled
from refuwsgi.routing.pairs import is_on, pairs_of
from refuwsgi.routing.text import Text, octets
from tests.unit.offloading.stand import core_row

ENVIRON = {
    "PATH_INFO": "/a/b",
    "QUERY_STRING": "q=1%202&r=&s",
    "HTTP_COOKIE": "m=1; n=v=w",
    "HTTP_X_A": "mine",
    "NAME": "HTTP_X_A",
}


def request(**environ: str) -> Request:
    return Request(-1, {**ENVIRON, **environ}, core_row())


GROUPS = re.search("/(.)/(.)?(x)?", "/a/b")


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("plain", "plain"),
        ("", ""),
        ("$1-$2", "a-b"),
        ("$0", "/a/b"),
        ("[$3][$9]", "[][]"),
        ("$$ $x $", "$$ $x $"),
        ("${PATH_INFO}!", "/a/b!"),
        ("[${NOPE}]", "[]"),
        ("${UNCLOSED", "${UNCLOSED"),
        ("${qs[q]} ${qs[r]} ${qs[s]} ${qs[t]}", "1%202   "),
        ("${cookie[n]}${cookie[x]}", "v=w"),
        ("${base64[HTTP_X_A]} ${hex[HTTP_X_A]}", "bWluZQ== 6D696E65"),
        ("${upper[HTTP_X_A]} ${lower[HTTP_X_A]}", "MINE mine"),
        ("${nosuch[x]}${uwsgi[nosuch]}${time[nosuch]}", ""),
        ("${uwsgi[wid]} ${uwsgi[status]} ${uwsgi[rsize]}", "1 500 0"),
        ("${cookie[$3]}", ""),
        ("ü", "\xc3\xbc"),
    ],
)
def test_holes_are_filled(source: str, result: str) -> None:
    assert Text(source)(request(), GROUPS) == result


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("${time[unix]}", r"\d{10}"),
        ("${time[micros]}", r"\d{16}"),
        ("${httptime[]}", r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"),
        ("${httptime[-60]}", r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"),
        ("${uwsgi[pid]}", r"\d+"),
        ("${uwsgi[uuid]}", r"[0-9a-f-]{36}"),
    ],
)
def test_holes_that_change(source: str, pattern: str) -> None:
    assert re.fullmatch(pattern, Text(source)(request(), None))


def test_what_a_client_sends_is_not_filled_in_again() -> None:
    groups = re.search("(.*)", "${HTTP_X_A}")
    assert Text("$1")(request(), groups) == "${HTTP_X_A}"
    assert Text("${PATH_INFO}")(request(PATH_INFO="$1${HTTP_X_A}"), GROUPS) == "$1${HTTP_X_A}"


@given(st.text())
def test_any_text_is_a_text(source: str) -> None:
    filled = Text(source)(request(), None)
    if "$" not in source:
        assert filled == octets(source)


@given(st.text(alphabet="${}[]0a1Q_", max_size=30))
def test_any_holes_are_taken(source: str) -> None:
    Text(source)(request(), GROUPS)


@pytest.mark.parametrize(
    ("pattern", "text", "group"),
    [
        ("(?<name>b.)", "abc", "bc"),
        (r"[[:digit:]]+\z", "a12", "12"),
        ("(?<=a)b", "ab", "b"),
        (r"\(?<", "(<", "(<"),
        ("ü", "\xc3\xbc", "\xc3\xbc"),
        (r"\w+", "\xe9a", "a"),
    ],
)
def test_expressions_of_pcre(pattern: str, text: str, group: str) -> None:
    found = compiled(pattern).search(text)
    assert found is not None
    assert found[0] == group


@given(st.text(alphabet=r"()[]{}?*+|\abz:<>=!^$.0,-", max_size=20))
def test_an_expression_is_one_or_a_mistake(pattern: str) -> None:
    try:
        compiled(pattern)
    except ValueError as problem:
        assert "no regular expression" in str(problem)  # noqa: PT017


@pytest.mark.parametrize(
    ("condition", "argument", "holds"),
    [
        ("equal", "${HTTP_X_A};mine", True),
        ("equal", "mine", False),
        ("==", "a;b", False),
        ("startswith", "abc;ab", True),
        ("endswith", "abc;bc", True),
        ("contains", "abc;b", True),
        ("regexp", "abc;^a", True),
        ("re", "abc", False),
        ("re", "mine;^${HTTP_X_A}$", True),
        ("re", "mine;^${UNBALANCED}(", False),
        ("empty", "${NOPE}", True),
        ("ishigher", "10;9", True),
        (">", "abc;0", False),
        (">=", "12abc;12", True),
        ("<", " -3;2", True),
        ("<=", "3;2", False),
        ("ipv4in", "10.1.2.3;10.0.0.0/8", True),
        ("ipv4in", "10.1.2.3;10.9.9.9/8", True),
        ("ipv4in", "::1;::/0", False),
        ("ipv4in", "x;y", False),
        ("ipv6in", "2001:db8::1;2001:db8::/32", True),
        ("exists", "/", True),
        ("exists", "/nope\0", False),
        ("isfile", "/", False),
        ("isdir", "/", True),
        ("islink", "/", False),
        ("isexec", "/bin/sh", True),
        ("isexec", "/nope\0", False),
    ],
)
def test_conditions(condition: str, argument: str, holds: bool) -> None:
    if "UNBALANCED" in argument:
        argument = argument.replace("${UNBALANCED}(", "${NAME}(")
    assert bool(CONDITIONS[condition](argument)(request(), None)) is holds


@pytest.mark.parametrize(
    ("argument", "pairs"),
    [
        ("key=${a[b,c]},name=x", {"key": "${a[b,c]}", "name": "x"}),
        ("a,b=1=2", {"a": "", "b": "1=2"}),
        ("a=x\\,y", {"a": "x,y"}),
        ("", {}),
    ],
)
def test_pairs(argument: str, pairs: dict[str, Any]) -> None:
    assert pairs_of(argument) == pairs
    assert is_on({"a": "1"}, "b", "a")
    assert not is_on({"a": "0"}, "a")
