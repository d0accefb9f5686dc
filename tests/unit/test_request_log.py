"""The line of a request."""

import re
import time
from typing import Any

from refuwsgi import request_log
from refuwsgi.request import Request
from refuwsgi.request_log import Line, packet_of
from refuwsgi.scoreboard import Scoreboard

BOARD = Scoreboard(2, 2)
GIVEN = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/x", "REMOTE_ADDR": "::1"}
PLAIN = re.compile(
    r"\[pid: \d+\|app: 0\|req: 5/8\] ::1 \(\) \{6 vars in 56 bytes\} \[.{24}\] GET /x => "
    r"generated 5 bytes in \d+ msecs \(HTTP/1\.0 200\) 2 headers in 64 bytes "
    r"\(1 switches on core 1\)"
)


def asked(**more: Any) -> Request:
    request = Request(-1, {**GIVEN, **more}, BOARD.cores[1][1])
    request.app = 0
    request.status, request.headers, request.head_size = 200, 2, 64
    request.size, request.chunks = 5, 1
    request.started = request.core.last = time.time_ns() // 1000
    return request


def line() -> Line:
    for place, row in enumerate([*BOARD.cores[0], *BOARD.cores[1]]):
        row.requests, row.app_requests = 2, place
    return Line(BOARD, micros=False, forwarded=False)


def test_a_line_counts_the_worker_and_all_workers() -> None:
    assert PLAIN.fullmatch(line().line(asked()))


def test_ends_of_lines_are_remembered_within_bounds() -> None:
    made, request = line(), asked()
    for size in range(3 * request_log.REMEMBERED):
        request.head_size = size
        assert f"2 headers in {size} bytes" in made.line(request)
    assert len(made._ends) <= request_log.REMEMBERED
    request.via = "offload"
    assert " msecs via offload() (HTTP/1.0 200) " in made.line(request)


def test_what_would_break_the_line_is_escaped() -> None:
    made = line().line(asked(REQUEST_URI="/a\nb", REMOTE_USER="\x1b"))
    assert "GET /a\\x0ab => " in made
    assert "::1 (\\x1b) {" in made


def test_whatever_an_application_has_added_is_counted() -> None:
    assert packet_of(asked(X=5)) == (8, 56 + 4 + 2)


def test_an_empty_header_names_nobody() -> None:
    made = Line(BOARD, micros=False, forwarded=True)
    assert "] ::1 () {" in made.line(asked(HTTP_X_FORWARDED_FOR=""))
    assert "] 10.0.0.1 () {" in made.line(asked(HTTP_X_FORWARDED_FOR="10.0.0.1"))
