"""What an application answers, right or wrong, and what the client gets of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.harness import (
    WORKER,
    Answer,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    get,
    request,
)

Check = Callable[[Answer], bool]

TABLE: list[tuple[str, str, Check]] = [
    ("SC-155", "raises", lambda a: a.status == 500 and a.status_line.startswith("HTTP/1.1 500")),
    ("SC-156", "starts_then_raises", lambda a: a.status == 500 or (a.status, a.body) == (200, b"")),
    ("SC-157", "raises_later", lambda a: (a.status, a.body) == (200, b"before")),
    ("SC-160", "plain_bytes", lambda a: a.body == b"hello"),
    ("SC-161", "strange_chunks", lambda a: a.body in (b"ab", b"a") or a.status == 500),
    ("SC-162", "empty_chunks", lambda a: a.body == b"ab"),
    ("SC-162", "none_chunks", lambda a: a.body in (b"ab", b"a")),
    ("SC-163", "none", lambda a: a.status == 500 or (a.status, a.body) == (200, b"")),
    ("SC-164", "never_starts", lambda a: a.status == 500 or a.raw == b"body"),
    ("SC-165", "starts_too_late", lambda a: a.status == 500 or a.raw.startswith(b"one")),
    ("SC-166", "generator", lambda a: (a.status, a.body) == (200, b"onetwo")),
    (
        "SC-167",
        "starts_twice",
        lambda a: a.status == 500 or (a.status, a.names, a.body) == (202, ["X-Second"], b"x"),
    ),
    ("SC-168", "starts_after_data", lambda a: (a.status, a.body) == (200, b"data raised")),
    (
        "SC-169",
        "changes_its_mind",
        lambda a: (
            (a.status_line, a.names, a.body) == ("HTTP/1.1 503 Changed", ["Content-Type"], b"sorry")
        ),
    ),
    ("SC-170", "changes_its_mind_by_name", lambda a: (a.status, a.body) == (503, b"sorry")),
    ("SC-362", "fails_too_late", lambda a: (a.status, a.body) == (200, b"data raised")),
    ("SC-171", "writes", lambda a: a.body == b"one two three"),
    ("SC-172", "closes", lambda a: a.body == b"one"),
    ("SC-172", "closes_after_failing", lambda a: a.body == b"one"),
    ("SC-173", "own_status", lambda a: a.status_line == "HTTP/1.1 299 Very Special"),
    ("SC-173", "bytes_status", lambda a: a.body != b"x" or a.status == 500),
    ("SC-174", "headers_tuple", lambda a: a.body != b"x" or a.status == 500),
    ("SC-174", "header_value_number", lambda a: a.body != b"x" or a.status == 500),
    ("SC-174", "header_not_latin", lambda a: a.body != b"x" or a.status == 500),
    ("SC-175", "split_header", lambda a: "X-Injected" not in a.names),
    ("SC-176", "huge_head", lambda a: a.raw == b"" or a.status == 500),
    ("SC-177", "too_small_length", lambda a: (a.get("content-length"), a.body) == ("2", b"xx")),
    (
        "SC-61",
        "many_headers",
        lambda a: (
            a.headers
            == [("x-lower", "1"), ("X-Upper", "2"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
        ),
    ),
    ("SC-180", "file", lambda a: a.body == b"0123456789"),
    ("SC-180", "file_from_position", lambda a: a.body == b"456789"),
    ("SC-181", "file_in_memory", lambda a: a.body == b"0123456789"),
    ("SC-182", "prints", lambda a: a.body == b"x"),
]


@pytest.fixture(scope="module", params=["http-socket", "http"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return start_module(
        f"""
        {request.param} = 127.0.0.1:PORT
        master = true
        module = answers_app
        """,
        tracebacks=True,
    )


@covers("SC-61", "SC-155", "SC-156", "SC-157", "SC-160", "SC-161", "SC-162", "SC-163", "SC-164")
@covers("SC-165", "SC-166", "SC-167", "SC-168", "SC-169", "SC-170", "SC-171", "SC-172", "SC-173")
@covers("SC-174", "SC-175", "SC-176", "SC-177", "SC-180", "SC-181", "SC-182", "SC-362")
@pytest.mark.parametrize(("row", "path", "check"), TABLE, ids=[path for _, path, _ in TABLE])
def test_an_answer(site: Subject, row: str, path: str, check: Check) -> None:
    """The client gets what the requirement says."""
    answer = get(site.port, f"/{path}")
    assert check(answer), answer


@covers("SC-172")
@pytest.mark.parametrize("path", ["closes", "closes_after_failing"])
def test_close_is_called(site: Subject, path: str) -> None:
    get(site.port, f"/{path}")
    eventually(lambda: Path(site.path(f"{path}.closed")).exists(), "close() is called")


@covers("SC-178")
@pytest.mark.parametrize("path", ["with_body", "plain_bytes"])
def test_an_answer_to_head_has_no_body(site: Subject, path: str) -> None:
    answer = exchange(site.port, request(f"/{path}", "HEAD"))
    assert answer.status == 200
    assert answer.body == b""


@covers("SC-178")
def test_not_modified_has_no_body(site: Subject) -> None:
    answer = get(site.port, "/not_modified")
    assert (answer.status, answer.get("etag"), answer.body) == (304, "x", b"")


@covers("SC-182")
def test_what_the_app_prints_is_logged(site: Subject) -> None:
    get(site.port, "/prints")
    site.wait_for("^printed by the app")
    site.wait_for("^written to errors")


@covers("SC-155")
def test_the_traceback_is_logged_and_never_sent(site: Subject) -> None:
    since = len(site.log)
    answer = get(site.port, "/raises")
    site.wait_for("^RuntimeError: as wanted", since=since)
    assert b"Traceback" not in answer.raw


@covers("SC-179")
def test_system_exit_ends_the_worker_which_is_replaced(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        module = answers_app
        """,
        until=WORKER,
        tracebacks=True,
    )
    get(subject.port, "/system_exit")
    subject.wait_for(r"^Respawned uWSGI worker 1 \(new pid: \d+\)")
    assert get(subject.port, "/plain_bytes").status == 200


@covers("SC-158", "SC-183")
def test_exceptions_are_caught_and_headers_added(start: Starter) -> None:
    """`catch-exceptions` shows the exception; `add-header` and `del-header` edit every head."""
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        module = answers_app
        catch-exceptions = true
        add-header = X-Added: yes
        del-header = X-Lower
        """,
        tracebacks=True,
    )
    answer = get(subject.port, "/raises")
    assert answer.status == 500
    assert "as wanted" in answer.text
    assert "RuntimeError" in answer.text
    edited = get(subject.port, "/many_headers")
    assert edited.names[-1] == "X-Added"
    assert "x-lower" not in [name.lower() for name in edited.names]


@covers("SC-159")
def test_an_exception_may_reload_the_worker(start: Starter) -> None:
    subject = start(
        """
        http-socket = 127.0.0.1:PORT
        master = true
        module = answers_app
        reload-on-exception = true
        """,
        until=WORKER,
        tracebacks=True,
    )
    get(subject.port, "/raises")
    subject.wait_for("monitored exception detected, respawning worker 1")
    subject.wait_for(r"^Respawned uWSGI worker 1 \(new pid: \d+\)")
    assert get(subject.port, "/plain_bytes").status == 200
