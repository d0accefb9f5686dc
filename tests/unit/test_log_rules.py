"""Which message goes where, and what becomes of it on the way."""

import re
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import log_encoders, log_rules
from refuwsgi.options import OptionError, config_of


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def write(self, message: bytes) -> None:
        self.got.append(message)

    def reopen(self) -> None: ...

    def rotate(self) -> None: ...


def test_a_route_takes_a_message_away_from_the_others() -> None:
    named, rest = Kept(), Kept()
    rules = log_rules.Rules(
        [("errors", named), ("", rest)], routes=[(re.compile(b"ERROR"), "errors")]
    )
    rules.deliver(b"all is well\n")
    rules.deliver(b"ERROR 1\n")
    assert (named.got, rest.got) == ([b"ERROR 1\n"], [b"all is well\n"])


def test_drains_and_filters() -> None:
    sink = Kept()
    rules = log_rules.Rules(
        [("", sink)], drains=[re.compile(b"health")], filters=[re.compile(b"GET")]
    )
    for message in (b"GET /health", b"GET /", b"POST /"):
        rules.deliver(message)
    assert sink.got == [b"GET /"]


def encode(lines: list[str], message: bytes, logger: str = "") -> bytes:
    chain = [log_encoders.parse(line, "x.ini:1") for line in lines]
    return log_encoders.encoded(message, chain, logger)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["prefix >>"], b'>>a "b"\n'),
        (["suffix <<"], b'a "b"\n<<'),
        (["format <${msg}> ${nosuch}."], b'<a "b"> .'),
        (["format ${msgnl}", "nl"], b'a "b"\n\n'),
        (['json {"m":"${msg}"}', "nl"], b'{"m":"a \\"b\\""}\n'),
        (["format:other x", "nl"], b'a "b"\n\n'),
    ],
)
def test_encoders(lines: list[str], expected: bytes) -> None:
    assert encode(lines, b'a "b"\n') == expected


def test_an_encoder_for_a_named_logger() -> None:
    assert encode(["format:mine <${msg}>", "nl"], b"a\n", "mine") == b"<a>\n"


def test_times_of_a_format() -> None:
    found = encode(["format ${unix} ${micros} ${strftime:%Y}"], b"")
    assert re.fullmatch(rb"\d{10} \d{16} \d{4}", found)


def test_bytes_that_are_no_text_survive() -> None:
    assert encode(["json ${msg}"], b"\xff\xc3\xa9") == b"\xff\xc3\xa9"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"log_encoder": "nosuch"}, 'log encoder "nosuch" not found'),
        ({"log_route": "nowhere x"}, "expected <logger> <regexp>"),
        ({"logger": "a stdio", "log_route": "a"}, "expected <logger> <regexp>"),
        ({"log_drain": "("}, "missing )"),
        ({"req_logger": "nosuch:"}, "unable to find logger nosuch"),
    ],
)
def test_mistakes_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(OptionError, match=re.escape(why)):
        log_rules.rules_of(config_of(**values), 2)


def test_the_rules_of_a_configuration(tmp_path: Path) -> None:
    config = config_of(
        logger=f"errors file:{tmp_path}/errors",
        req_logger=[f"file:{tmp_path}/requests", f"bad file:{tmp_path}/bad"],
        log_route="errors ERROR",
        log_req_route="bad 404",
        log_req_encoder="prefix R",
        log_maxsize="1000",
    )
    main, requests = log_rules.rules_of(config, 2)
    main.deliver(b"ERROR\n")
    requests.deliver(b"200\n")
    requests.deliver(b"404\n")
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"errors": b"ERROR\n", "requests": b"R200\n", "bad": b"R404\n"}
    assert [name for name, _ in main.sinks] == ["errors", ""]


def test_named_loggers_for_requests_leave_the_rest_where_it_was(tmp_path: Path) -> None:
    config = config_of(req_logger=f"bad file:{tmp_path}/bad", log_req_route="bad 404")
    requests = log_rules.rules_of(config, 2)[1]
    assert [name for name, _ in requests.sinks] == ["bad", ""]


def test_without_a_logger_for_requests_they_go_with_the_rest() -> None:
    main, requests = log_rules.rules_of(config_of(), 2)
    assert main is requests
