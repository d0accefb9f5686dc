"""Internal routing: rules, subjects, arguments, actions, conditions."""

import re

import pytest

from tests.conformance.harness import (
    Starter,
    covers,
    exchange,
    get,
    request,
)
from tests.conformance.offloading.ruled import site


@covers("OF-100")
def test_the_table_is_printed(start: Starter) -> None:
    subject = site(
        start, "route = ^/foo log:a\nroute-run = last:\nroute-label = x\nroute-host = ^h log:b"
    )
    subject.wait_for(r"^\*\*\* dumping internal routing table \*\*\*")
    subject.wait_for(r"\[rule: 0\] subject: path_info regexp: \^/foo action: log:a")
    subject.wait_for(r"\[rule: 1\] .*action: last:")
    subject.wait_for(r"\[rule: 2\] label: x")
    subject.wait_for(r"\[rule: 3\] subject: http_host regexp: \^h")
    subject.wait_for(r"^\*\*\* end of the internal routing table \*\*\*")


@covers("OF-101")
def test_next_continue_break(start: Starter) -> None:
    """log goes on, last runs the app, break closes."""
    subject = site(
        start,
        "route = ^/a log:first\nroute = ^/a last:\nroute = ^/a log:never\n"
        "route = ^/b break:403 Forbidden\nroute = ^/b log:never",
    )
    assert get(subject.port, "/a").status == 200
    assert get(subject.port, "/b").status == 403
    subject.wait_for("^first$")
    assert not re.search("^never$", subject.log, re.M)


@covers("OF-102")
@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ("route = ^/path$", True),
        ("route = ath", True),
        ("route = ^/PATH", False),
        ("route-host = ^localhost$", True),
        ("route-uri = ^/path.q=1$", True),
        ("route-qs = ^q=1$", True),
        ("route-remote-addr = ^127\\.", True),
        ("route-remote-user = ^$", True),
        ("route-user-agent = curl", True),
        ("route-referer = ^$", True),
    ],
)
def test_subjects(start: Starter, rule: str, hit: bool) -> None:
    subject = site(start, f"{rule} addheader:X-Hit: yes")
    answer = exchange(
        subject.port,
        b"GET /path?q=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a curl\r\n\r\n",
    )
    assert answer.get("x-hit") == ("yes" if hit else None)


@covers("OF-103", "OF-104")
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("$1-$2", "x-y"),
        ("$0", "/a/x/y"),
        ("[$3]", "[]"),
        ("$$", "$$"),
        ("${REQUEST_METHOD}", "GET"),
        ("[${NOPE}]", "[]"),
        ("${UNCLOSED", "${UNCLOSED"),
        ("${HTTP_X_A}", "mine"),
        ("${cookie[n]}", "v"),
        ("${qs[q]}", "1%202"),
        ("${base64[HTTP_X_A]}", "bWluZQ=="),
        ("${hex[HTTP_X_A]}", "6D696E65"),
        ("${uwsgi[wid]}", "1"),
    ],
)
def test_arguments(start: Starter, argument: str, value: str) -> None:
    subject = site(start, f"route = ^/a/(.)/(.)$ log:GOT {argument} END")
    headers = [("X-A", "mine"), ("Cookie", "m=1; n=v")]
    exchange(subject.port, request("/a/x/y?q=1%202&r=3", headers=headers))
    assert subject.wait_for("^GOT (.*) END$")[1] == value


@covers("OF-104")
@pytest.mark.parametrize(
    ("argument", "pattern"),
    [
        ("${time[unix]}", r"\d{10}"),
        ("${httptime[60]}", r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
        ("${uwsgi[pid]}", r"\d+"),
        ("${uwsgi[uuid]}", r"[0-9a-f-]{36}"),
    ],
)
def test_changing_arguments(start: Starter, argument: str, pattern: str) -> None:
    subject = site(start, f"route-run = log:GOT {argument} END")
    get(subject.port, "/")
    subject.wait_for(f"^GOT {pattern} END$")


@covers("OF-103")
def test_the_whole_match_without_groups(start: Starter) -> None:
    """$0 is the match, also under an expression that has no groups."""
    subject = site(start, "route = ^/a log:GOT $0 END")
    get(subject.port, "/abc")
    assert subject.wait_for("^GOT (.*) END$", limit=15)[1] == "/a"


@covers("OF-105")
def test_goto(start: Starter) -> None:
    subject = site(
        start,
        "route = ^/a goto:there\nroute-run = break:500\nroute-label = there\n"
        "route-run = addheader:X-There: yes",
    )
    assert get(subject.port, "/a").get("x-there") == "yes"
    assert get(subject.port, "/b").status == 500


@covers("OF-105")
def test_goto_backward_is_an_error(start: Starter) -> None:
    subject = site(start, "route-label = back\nroute-run = goto:back")
    answer = get(subject.port, "/")
    assert answer.raw == b"" or answer.status == 500
    subject.wait_for(r'"goto" instruction can only jump forward')


@covers("OF-106", "OF-107", "OF-108")
@pytest.mark.parametrize(
    ("row", "action", "line", "location", "body"),
    [
        ("OF-106", "break:403 No Way", "403 No Way", None, ""),
        ("OF-106", "break:500", "500 Internal Server Error", None, ""),
        ("OF-107", "return:403", "403 Forbidden", None, "Forbidden"),
        ("OF-107", "break-with-status:404", "404 Not Found", None, "Not Found"),
        ("OF-108", "redirect:http://x/$0", "302 Found", "http://x//p", None),
        ("OF-108", "redirect-302:/y", "302 Found", "/y", None),
        ("OF-108", "redirect-permanent:/y", "301 Moved Permanently", "/y", None),
        ("OF-108", "redirect-301:/y", "301 Moved Permanently", "/y", None),
    ],
)
def test_answers_of_the_router(
    start: Starter, row: str, action: str, line: str, location: str | None, body: str | None
) -> None:
    subject = site(start, f"route = ^(/p) {action}")
    answer = get(subject.port, "/p")
    assert answer.status_line == f"HTTP/1.1 {line}"
    assert answer.get("location") == location
    if body is not None:
        assert answer.text == body


@covers("OF-106")
def test_a_bare_break_closes(start: Starter) -> None:
    assert get(site(start, "route-run = break:").port, "/").raw == b""


@covers("OF-109")
@pytest.mark.parametrize(
    ("action", "path", "query"),
    [
        ("rewrite:/new/$1", "/new/x", "q=1"),
        ("rewrite:/new?a=b", "/new", "a=b&q=1"),
        ("rewrite:/n%%20w", "/n w", "q=1"),
    ],
)
def test_rewrite(start: Starter, action: str, path: str, query: str) -> None:
    subject = site(start, f"route = ^/old/(.) {action}\nroute = ^/new addheader:X-Later: yes")
    answer = get(subject.port, "/old/x?q=1")
    environ = answer.json()
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)
    assert environ["REQUEST_URI"] == "/old/x?q=1"
    assert answer.get("x-later") == ("yes" if path.startswith("/new") else None)


@covers("OF-109")
def test_rewrite_last(start: Starter) -> None:
    subject = site(start, "route = ^/old rewrite-last:/new\nroute = ^/new break:500")
    assert get(subject.port, "/old").json()["PATH_INFO"] == "/new"


@covers("OF-110")
@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("addvar:MINE=a=b", "MINE", "a=b"),
        ("setuser:me", "REMOTE_USER", "me"),
        ("setmethod:PUT", "REQUEST_METHOD", "PUT"),
        ("setpathinfo:/other", "PATH_INFO", "/other"),
        ("setscriptname:/s", "SCRIPT_NAME", "/s"),
        ("seturi:/u", "REQUEST_URI", "/u"),
        ("setremoteaddr:1.2.3.4", "REMOTE_ADDR", "1.2.3.4"),
    ],
)
def test_actions_that_set(start: Starter, action: str, name: str, value: str) -> None:
    assert get(site(start, f"route-run = {action}").port, "/x").json()[name] == value


@covers("OF-110")
def test_donotlog_and_logvar(start: Starter) -> None:
    subject = site(
        start,
        "route = ^/quiet donotlog:\nroute-run = logvar:MINE=x",
        "log-format = L %(uri) %(MINE)",
    )
    get(subject.port, "/quiet")
    get(subject.port, "/loud")
    subject.wait_for("^L /loud x")
    assert "L /quiet" not in subject.log


@covers("OF-111")
def test_headers_are_added_and_removed(start: Starter) -> None:
    subject = site(start, "route-run = addheader:X-New: a b\nroute-run = delheader:X-App")
    assert get(subject.port, "/").headers == [
        ("Content-Type", "application/json"),
        ("X-New", "a b"),
    ]


@covers("OF-112")
def test_log(start: Starter) -> None:
    subject = site(start, "route-run = log:the text ${PATH_INFO}")
    get(subject.port, "/p")
    subject.wait_for("^the text /p$")


@covers("OF-113")
def test_send_and_clearheaders(start: Starter) -> None:
    subject = site(
        start,
        "route = ^/s clearheaders:201 Made\nroute = ^/s addheader:X-A: b\n"
        "route = ^/s send:text\nroute = ^/s break:",
    )
    answer = get(subject.port, "/s")
    assert (answer.status_line, answer.get("x-a"), answer.text) == (
        "HTTP/1.1 201 Made",
        "b",
        "text",
    )
