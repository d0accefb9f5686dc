"""Dates as HTTP writes them."""

import calendar
import email.utils

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refuwsgi.offloading.http_dates import http_date, seconds_of


def test_a_date_reads_as_in_a_reply_of_uwsgi() -> None:
    assert http_date(1795302016) == "Sat, 21 Nov 2026 23:00:16 GMT"


@settings(deadline=None)
@given(st.integers(0, 253402300799))
def test_what_is_written_is_read_again(seconds: int) -> None:
    assert seconds_of(http_date(seconds)) == seconds


@settings(deadline=None)
@given(st.integers(0, 4102444800))
def test_the_library_agrees(seconds: int) -> None:
    parsed = email.utils.parsedate(http_date(seconds))
    assert parsed is not None
    assert calendar.timegm(parsed) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Saturday, 21-Nov-26 23:00:16 GMT",  # RFC 850
        "Sat Nov 21 23:00:16 2026",  # asctime
        "Sat, 21 Nov 2026 23:00:16 CET",
        "Sat, 21 Nov 2026 24:00:16 GMT",
        "Sat, 00 Nov 2026 23:00:16 GMT",
        "Sat, 21 nov 2026 23:00:16 GMT",
        "Sat, 21 Nov 2026 23.00.16 GMT",
        "Sat, +1 Nov 2026 23:00:16 GMT",
        "Sat, ²1 Nov 2026 23:00:16 GMT",
    ],
)
def test_everything_else_is_no_date(text: str) -> None:
    assert seconds_of(text) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    seconds_of(text)
