"""Compressed twins."""

import pytest

from refuwsgi.offloading import static_twins
from refuwsgi.offloading.static_twins import accepted
from refuwsgi.options import Config, OptionError, Setting, build


def config(**values: str) -> Config:
    settings = [Setting(name.replace("_", "-"), value, "test") for name, value in values.items()]
    mine = (
        static_twins.GZIP,
        static_twins.GZIP_ALL,
        static_twins.GZIP_DIR,
        static_twins.GZIP_EXT,
    )
    return build(settings, mine)


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        ("", []),
        ("gzip", ["gzip"]),
        ("br, gzip", ["br", "gzip"]),
        ("gzip, deflate, br", ["br", "gzip"]),
        ("GZIP", ["gzip"]),
        ("gzip;q=0.5", ["gzip"]),
        ("gzip;q=0", []),
        ("gzip; q=0.000", []),
        ("br;q=0, gzip;q=1.0", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("*;q=0", []),
        ("br;q=0, *", ["gzip"]),
        ("abracadabra", []),
    ],
)
def test_a_client_gets_what_it_accepts(field: str, codings: list[str]) -> None:
    assert [name for name, _ in accepted(field)] == codings


def test_without_an_option_there_are_no_twins() -> None:
    assert static_twins.configured(config()) is None


@pytest.mark.parametrize(
    ("values", "yes", "no"),
    [
        ({"static_gzip_all": "true"}, b"/any/thing", None),
        ({"static_gzip_dir": "/srv/a"}, b"/srv/a/x.js", b"/srv/b/x.js"),
        ({"static_gzip_prefix": "/srv/a"}, b"/srv/a/x.js", b"/srv/b/x.js"),
        ({"static_gzip_ext": ".js"}, b"/srv/x.js", b"/srv/x.css"),
        ({"static_gzip_suffix": ".js"}, b"/srv/x.js", b"/srv/x.css"),
        ({"static_gzip": r"/v\d+/"}, b"/srv/v12/x.js", b"/srv/x.js"),
    ],
)
def test_the_operator_says_which_files_have_twins(
    values: dict[str, str], yes: bytes, no: bytes | None
) -> None:
    twins = static_twins.configured(config(**values))
    assert twins is not None
    assert twins.may_have(yes)
    assert no is None or not twins.may_have(no)


def test_a_broken_expression_is_refused_with_its_place() -> None:
    with pytest.raises(OptionError, match="test: static-gzip: expected a regular expression"):
        config(static_gzip="(")
