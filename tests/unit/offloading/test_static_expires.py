"""The Expires header."""

import time

import pytest

from refuwsgi.offloading import static_expires
from refuwsgi.offloading.http_dates import http_date, seconds_of
from refuwsgi.options import Config, Option, OptionError, Setting, build

MINE = [value for value in vars(static_expires).values() if isinstance(value, Option)]


def config(*settings: tuple[str, str]) -> Config:
    return build([Setting(name, value, "x.ini:3") for name, value in settings], MINE)


def expires(*settings: tuple[str, str]) -> static_expires.Expires:
    found = static_expires.configured(config(*settings))
    assert found is not None
    return found


def test_without_a_rule_there_is_nothing_to_do() -> None:
    assert static_expires.configured(config()) is None


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("static-expires", {}),
        ("static-expires-uri", {"REQUEST_URI": "/logo.png?1"}),
        ("static-expires-path-info", {"PATH_INFO": "/logo.png"}),
    ],
)
def test_a_rule_counts_from_now_or_from_the_last_change(name: str, environ: dict[str, str]) -> None:
    from_now = expires((name, r"\.png 60")).by_name(b"/srv/logo.png", environ, 5.0)
    assert [header for header, _ in from_now] == ["Expires"]
    seconds = seconds_of(from_now[0][1])
    assert seconds is not None
    assert 0 <= seconds - (time.time() + 60) + 30 < 60
    changed = expires((f"{name}-mtime", r"\.png 60")).by_name(b"/srv/logo.png", environ, 5.0)
    assert changed == [("Expires", http_date(65))]


def test_a_rule_that_does_not_match_adds_nothing() -> None:
    assert expires(("static-expires", "css$ 60")).by_name(b"/srv/logo.png", {}, 5.0) == []


def test_of_several_rules_the_first_counts() -> None:
    rules = expires(("static-expires-mtime", "png 1"), ("static-expires-mtime", "logo 2"))
    assert rules.by_name(b"/logo.png", {}, 5.0) == [("Expires", http_date(6))]


def test_each_kind_adds_a_header() -> None:
    rules = expires(("static-expires-mtime", "png 1"), ("static-expires-uri-mtime", "png 2"))
    found = rules.by_name(b"/logo.png", {"REQUEST_URI": "/logo.png"}, 5.0)
    assert found == [("Expires", http_date(6)), ("Expires", http_date(7))]


def test_a_type_must_be_the_same() -> None:
    rules = expires(("static-expires-type-mtime", "text/css=60"))
    assert rules.by_type("text/css", 5.0) == [("Expires", http_date(65))]
    assert rules.by_type("text/csss", 5.0) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("static-expires", "/a=30"),
        ("static-expires", "/a thirty"),
        ("static-expires", "/a -1"),
        ("static-expires", "( 30"),
        ("static-expires-type", "text/css"),
        ("static-expires-type", "text/css=x"),
        ("static-expires-type", "=30"),
        ("static-expires-type-mtime", "text/css 30"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_its_place(name: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"x.ini:3: {name}: expected"):
        config((name, value))
