"""Statuses and headers that an application may give, and those that it may not."""

from __future__ import annotations

from typing import Any

import pytest

from refuwsgi.wsgi import fields
from tests.unit.wsgi.stand import answer_to, app

APOLOGY = b"HTTP/1.1 500 Internal Server Error\r\n"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK\r\nX: 1", []),
        ("OK", []),
        ("20 OK", []),
        (b"200 OK", []),
        ("200 OK", [("A", "1\r\nB: 2")]),
        ("200 OK", [("A", "1\nB: 2")]),
        ("200 OK", [("A", "\0")]),
        ("200 OK", [("A\r\nB", "1")]),
        ("200 OK", [("A:", "1")]),
        ("200 OK", [("", "1")]),
        ("200 OK", [("A", 1)]),
        ("200 OK", [(1, "A")]),
        ("200 OK", [("A", b"1")]),
        ("200 OK", [("A", "\u20ac")]),
        ("200 OK", [["A", "1"]]),
        ("200 OK", [("A", "1", "2")]),
        ("200 OK", (("A", "1"),)),
        ("200 OK", [("Content-Length", "x")]),
        ("200 OK", [("Content-Length", "1"), ("content-length", "2")]),
    ],
)
def test_a_head_that_is_none_is_an_error_of_the_application(status: Any, headers: Any) -> None:
    kinds = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        try:
            start_response(status, headers)
        except (TypeError, ValueError) as problem:
            kinds.append(problem)
            raise
        return [b"body"]

    got, _ = answer_to(application)
    assert got.startswith(APOLOGY)
    assert len(kinds) == 1


@pytest.mark.parametrize(
    ("given", "sent"), [("200", "200 OK"), ("299", "299 Unknown"), ("418 I am a teapot", None)]
)
def test_a_status_without_words_gets_some(given: str, sent: str | None) -> None:
    line = (sent or given).encode()
    assert answer_to(app(given, [], []))[0] == b"HTTP/1.1 " + line + b"\r\n\r\n"


def test_what_is_remembered_is_bounded() -> None:
    for number in range(2000):
        fields.status_of(f"200 Number {number}")
        fields.length_of([(f"X-{number}", "1")])
        fields.fields_of("200 OK", [("X-Number", str(number))])
    assert len(fields._fields) <= fields.REMEMBERED
    assert len(fields._statuses) <= fields.REMEMBERED
    assert len(fields._kinds) <= fields.REMEMBERED


def test_a_head_is_what_it_was_when_it_was_given() -> None:
    headers = [("X-First", "1")]

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        headers.append(("X-Late", "2"))
        return [b""]

    for expected in (b"X-First: 1\r\n", b"X-First: 1\r\nX-Late: 2\r\n"):
        assert answer_to(application)[0] == b"HTTP/1.1 200 OK\r\n" + expected + b"\r\n"


def test_the_same_head_again_is_checked_no_more_and_a_long_one_is() -> None:
    def found(value: str) -> fields.Fields:
        return fields.fields_of("200 OK", [("X-Value", value)])

    assert found("short") is found("short")
    assert found("x" * 2000) is not found("x" * 2000)
    assert found("x" * 2000).text == found("x" * 2000).text
