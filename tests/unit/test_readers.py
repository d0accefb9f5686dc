"""Readers of values."""

from collections.abc import Callable
from typing import Any

import pytest

from refuwsgi import readers


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (readers.number, "0", 0),
        (readers.number, "65536", 65536),
        (readers.how_many, "4096", 4096),
        (readers.integer, "-10", -10),
        (readers.flag, "yes", True),
        (readers.flag, "4", True),
        (readers.flag, "Off", False),
        (readers.seconds, "1.5", 1.5),
        (readers.seconds, "60", 60.0),
        (readers.octets, "4096", 4096),
        (readers.octets, "64k", 65536),
        (readers.megabytes, "2", 2097152),
        (readers.mode, "0640", 0o640),
        (readers.text, " x ", " x "),
        (readers.texts, "x", ("x",)),
        (readers.pairs, "name=a, items=2,flag", {"name": "a", "items": "2", "flag": ""}),
    ],
)
def test_a_value_is_read(read: Callable[[str], Any], value: str, expected: object) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (readers.number, "-1"),
        (readers.number, "1.5"),
        (readers.number, "9" * 40),
        (readers.how_many, "4097"),
        (readers.how_many, "-1"),
        (readers.number, "\u0661"),
        (readers.integer, "--1"),
        (readers.flag, "maybe"),
        (readers.seconds, "1.2.3"),
        (readers.seconds, "nan"),
        (readers.seconds, "."),
        (readers.octets, "4x"),
        (readers.octets, "k"),
        (readers.mode, "8"),
        (readers.mode, ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_was_expected(
    read: Callable[[str], Any], value: str
) -> None:
    with pytest.raises(ValueError, match="^expected "):
        read(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("8 ; x", "8"), ("8\t# x", "8"), ("8;x", "8;x"), ("# x", ""), ("8", "8")],
)
def test_a_comment_stands_behind_a_blank(value: str, expected: str) -> None:
    assert readers.without_comment(value) == expected
