"""Chains, files as actions, transformations, rules that are refused."""

import pytest

from tests.conformance.harness import (
    Starter,
    covers,
    get,
    needs,
)
from tests.conformance.offloading.ruled import FILES, site


@covers("OF-114", "OF-115")
@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("equal:${PATH_INFO};/p", True),
        ("isequal:${PATH_INFO};/q", False),
        ("eq:a;a", True),
        ("==:a;a", True),
        ("startswith:${PATH_INFO};/p", True),
        ("endswith:abc;bc", True),
        ("contains:abc;b", True),
        ("contains:abc;x", False),
        ("regexp:abc;^a.c$", True),
        ("re:abc;^b", False),
        ("empty:${NOPE}", True),
        ("empty:x", False),
        ("ishigher:10;9", True),
        (">:9;10", False),
        (">=:10;10", True),
        ("islower:9;10", True),
        ("<=:11;10", False),
        ("ipv4in:${REMOTE_ADDR};127.0.0.0/8", True),
        ("ipv4in:10.1.2.3;127.0.0.0/8", False),
        ("exists:static/f.txt", True),
        ("exists:static/none", False),
        ("isfile:static/f.txt", True),
        ("isfile:static", False),
        ("isdir:static", True),
        ("islink:static", False),
        ("isexec:static/f.txt", False),
        ("equal:a", False),
    ],
)
def test_conditions(start: Starter, condition: str, true: bool) -> None:
    subject = site(
        start,
        f"route-if = {condition} addheader:X-If: yes\n"
        f"route-if-not = {condition} addheader:X-Not: yes",
    )
    answer = get(subject.port, "/p")
    assert (answer.get("x-if"), answer.get("x-not")) == (("yes", None) if true else (None, "yes"))


@covers("OF-114")
def test_the_groups_of_a_condition(start: Starter) -> None:
    subject = site(start, "route-if = regexp:${PATH_INFO};^/(.*) addheader:X-Got: $1")
    assert get(subject.port, "/abc").get("x-got") == "abc"


@covers("OF-116")
@pytest.mark.parametrize(
    ("action", "status", "kind", "body"),
    [
        ("static:DIR/static/f.txt", 200, None, "the file"),
        ("file:filename=static/f.txt", 200, "text/html", "the file"),
        ("file:filename=static/f.txt,status=201 Made", 201, "text/html", "the file"),
        ("file:filename=static/f.txt,content_type=a/b", 200, "a/b", "the file"),
        ("sendfile:filename=static/f.txt", 200, "text/html", "the file"),
        ("fastfile:filename=static/f.txt", 200, "text/html", "the file"),
        ("file-next:filename=static/none", 200, "application/json", None),
        ("static-next:static/none", 200, "application/json", None),
    ],
)
@pytest.mark.parametrize("threads", [0, 1])
def test_files_as_actions(
    start: Starter, action: str, status: int, kind: str | None, body: str | None, threads: int
) -> None:
    subject = site(start, f"route-run = {action}", f"offload-threads = {threads}")
    answer = get(subject.port, "/x")
    assert answer.status == status
    assert kind is None or answer.get("content-type") == kind
    assert body is None or answer.text == body


@covers("OF-117")
def test_the_chain_runs_before_a_found_file_is_sent(start: Starter) -> None:
    subject = site(
        start,
        "route = ^/f addheader:X-A: b\nroute = ^/page break:403 No Way",
        "check-static = DIR/static",
    )
    answer = get(subject.port, "/f.txt")
    assert (answer.text, answer.get("x-a")) == ("the file", "b")
    assert get(subject.port, "/page.html").status == 403


@covers("OF-118")
def test_the_response_chain(start: Starter) -> None:
    subject = site(
        start,
        "response-route-status = 404 addheader:X-Sorry: yes\n"
        "final-route-run = log:final ${PATH_INFO}",
    )
    assert get(subject.port, "/gone").get("x-sorry") == "yes"
    assert get(subject.port, "/there").get("x-sorry") is None
    subject.wait_for("^final /there$")


@covers("OF-119")
def test_the_error_chain(start: Starter) -> None:
    subject = site(start, "error-route-status = 404 redirect:/elsewhere")
    answer = get(subject.port, "/gone")
    assert (answer.status, answer.get("location")) == (302, "/elsewhere")
    assert b"gone" not in answer.body
    assert get(subject.port, "/there").status == 200


@covers("OF-120")
def test_a_header_of_the_response_may_choose_a_file(start: Starter) -> None:
    subject = site(
        start,
        "collect-header = X-Sendfile X_SENDFILE\n"
        "response-route-if-not = empty:${X_SENDFILE} static:${X_SENDFILE}",
    )
    assert get(subject.port, "/sendfile").text == "the file"
    assert get(subject.port, "/x").get("x-app") == "yes"


@covers("OF-120")
def test_a_pulled_header_is_gone(start: Starter) -> None:
    subject = site(
        start, "pull-header = X-App X_APP\nresponse-route-run = addheader:X-Was: ${X_APP}"
    )
    answer = get(subject.port, "/x")
    assert (answer.get("x-app"), answer.get("x-was")) == (None, "yes")


@covers("OF-121", "OF-122", "OF-110")
@pytest.mark.parametrize(
    "line",
    [
        "route = ^/foo",
        "route = ^/foo nocolon",
        "route = ^/foo nosuchaction:x",
        "route = ^/(foo log:x",
        "route-if = nosuchcondition:a;b log:x",
        "route-run = addvar:noequals",
        "collect-header = only-one",
    ],
)
def test_bad_rules_end_the_start(start: Starter, line: str) -> None:
    ended = start.run(f"http-socket = 127.0.0.1:PORT\nmodule = app\n{line}\n", files=FILES)
    assert ended.code == 1


@covers("OF-123")
@needs("route")
@pytest.mark.parametrize(
    ("action", "header", "value"),
    [
        ("gzip:", "content-encoding", "gzip"),
        ("chunked:", "transfer-encoding", "chunked"),
    ],
)
def test_transformations(start: Starter, action: str, header: str, value: str) -> None:
    subject = site(start, f"route-run = {action}")
    assert get(subject.port, "/x").get(header) == value


@covers("OF-123")
def test_fixcl_adds_the_length(start: Starter) -> None:
    answer = get(site(start, "route-run = fixcl:").port, "/x")
    assert answer.get("content-length") == str(len(answer.body))
