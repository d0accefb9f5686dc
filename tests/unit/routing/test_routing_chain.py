"""Rules: how they are read, in which order they act, what they answer."""

import base64
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.options import Option, OptionError, Setting, build
from refuwsgi.request import DONE, NEXT, Request
from refuwsgi.routing import options, stage
from refuwsgi.routing.chain import ONLY_FORWARD, Chain, rule_of
from refuwsgi.routing.stage import Routes
from tests.unit.offloading.stand import Answer, parse, read_all, request_of

LANGUAGE = stage.language_of({}, {})
KINDS = list(options.ERROR_ROUTES.values())


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    return lines


def routes(*rules: tuple[str, str]) -> Routes:
    known = [each for each in vars(options).values() if isinstance(each, Option)]
    settings = [Setting(name, value, "x.ini:7") for name, value in rules]
    found = stage.configured(build(settings, known), LANGUAGE)
    assert found is not None
    return found


App = Callable[[Request], None]


def hello(request: Request) -> None:
    request.respond("200 OK", [("X-App", "yes")], b"hello")


def serve(made: Routes, app: App = hello, **environ: str) -> tuple[bytes, Request]:
    """What the client gets for a request, as a core would lead it."""
    with request_of(environ) as (request, client):
        if made(request) == NEXT:
            app(request)
        if request.routed is not None:
            request.routed.end(request)
        with socket.socket(fileno=request.fd) as server:
            request.fd = -1
            server.shutdown(socket.SHUT_WR)
            return read_all(client), request


def ask(*rules: tuple[str, str], app: App = hello, **environ: str) -> Answer:
    return parse(serve(routes(*rules), app, **environ)[0])


def test_the_table(said: list[str]) -> None:
    routes(
        ("route", "^/foo log:a"),
        ("route-user-agent", "x last:"),
        ("route-label", "there"),
        ("response-route-run", "log:b"),
        ("error-route-status", "404 log:c"),
        ("route-if-not", "empty:x log:d"),
    )
    assert said == [
        "*** dumping internal routing table ***",
        "[rule: 0] subject: path_info regexp: ^/foo action: log:a",
        "[rule: 1] subject: user_agent regexp: x action: last:",
        "[rule: 2] label: there",
        "[rule: 3] if-not: empty:x action: log:d",
        "*** end of the internal routing table ***",
        "*** dumping internal error routing table ***",
        "[rule: 0] status: 404 action: log:c",
        "*** end of the internal error routing table ***",
        "*** dumping internal response routing table ***",
        "[rule: 0] action: log:b",
        "*** end of the internal response routing table ***",
    ]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("route", "^/foo", "invalid route syntax"),
        ("route", "^/foo nocolon", "invalid route syntax"),
        ("route", "^/foo nosuch:x", "there is no action 'nosuch'"),
        ("route", "^/(foo log:x", "no regular expression"),
        ("route-if", "nosuch:a;b log:x", 'unable to find "nosuch" route condition'),
        ("route-if", "nocolon log:x", "invalid route syntax"),
        ("route-run", "addvar:noequals", "NAME=VALUE"),
        ("route-run", "logvar:noequals", "NAME=VALUE"),
        ("route-run", "addheader:no colon", "Name: value"),
        ("route-run", "break:abc", "status"),
        ("route-run", "return:999", "status"),
        ("route-run", "clearheaders:x", "status"),
        ("route-run", "harakiri:x", "seconds"),
        ("route-run", "setmodifier1:256", "below 256"),
        ("route-run", "basicauth:Realm", "REALM,"),
        ("route-run", "tofile:", "filename"),
        ("route-run", "rpc:f", "not built"),
        ("route-label", "", "invalid route syntax"),
        ("error-route-status", "4xx log:x", "status"),
        ("collect-header", "only-one", "HEADER VARIABLE"),
    ],
)
def test_mistakes_say_where_they_are(name: str, value: str, reason: str) -> None:
    with pytest.raises(OptionError) as caught:
        routes((name, value))
    assert str(caught.value).startswith(f"x.ini:7: {name}: ")
    assert reason in str(caught.value)


@given(st.sampled_from(KINDS), st.text(max_size=40))
def test_a_rule_is_one_or_a_mistake(kind: str, value: str) -> None:
    try:
        rule_of(kind, value, LANGUAGE)
    except ValueError:
        pass


ACTIONS = st.sampled_from(["log:x", "goto:a", "goto:b", "goto:0", "goto:3", "goto:99", "last:"])
RULES = st.lists(
    st.one_of(
        st.tuples(st.just("run"), ACTIONS),
        st.tuples(st.just("label"), st.sampled_from(["a", "b"])),
        st.tuples(st.just(""), ACTIONS.map(lambda action: f"^/ {action}")),
    ),
    max_size=12,
)


@given(RULES)
def test_every_chain_ends(rules: list[tuple[str, str]]) -> None:
    chain = Chain([rule_of(kind, value, LANGUAGE) for kind, value in rules])
    with request_of() as (request, _):
        assert chain.run(request) in (0, 1, 2)


def test_rules_of_all_names_have_one_order(said: list[str]) -> None:
    ask(("route-run", "log:1"), ("route", "^/ log:2"), ("route-run", "last:"), ("route", ". log:3"))
    assert said[-2:] == ["1", "2"]


def test_goto(said: list[str]) -> None:
    rules = (
        ("route", "^/(.*) goto:$1"),
        ("route-label", "back"),
        ("route-run", "return:500"),
        ("route-label", "there"),
        ("route-run", "goto:back"),
    )
    data, request = serve(routes(*rules), PATH_INFO="/there")
    assert (data, request.keep) == (b"", False)
    assert said[-1] == ONLY_FORWARD
    assert ask(*rules, PATH_INFO="/back").status == "HTTP/1.1 500 Internal Server Error"
    assert serve(routes(*rules), PATH_INFO="/nowhere")[0] == b""


@pytest.mark.parametrize(
    ("action", "whole"),
    [
        ("break:", b""),
        ("break:403", b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain"),
        ("break:403 No", b"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Type: text/plain"),
        ("break:999", b"HTTP/1.1 999 Unknown\r\nConnection: close\r\nContent-Type: text/plain"),
        ("redirect:/$0", b"HTTP/1.1 302 Found\r\nLocation: //p\r\n\r\nMoved"),
        ("redirect-301:/y", b"HTTP/1.1 301 Moved Permanently\r\nLocation: /y\r\n\r\nMoved"),
    ],
)
def test_answers(action: str, whole: bytes) -> None:
    data, request = serve(routes(("route", f"^/p {action}")), PATH_INFO="/p")
    assert data.removesuffix(b"\r\n\r\n") == whole
    assert request.core.routed == 1
    assert not request.keep


def test_a_status_with_a_body() -> None:
    answer = ask(("route-run", "return:403"))
    assert answer.body == b"Forbidden"
    assert answer.headers == [("Content-Type", "text/plain"), ("Content-Length", "9")]


def test_a_request_that_goes_on_is_not_counted() -> None:
    _, request = serve(routes(("route-run", "last:")))
    assert request.core.routed == 0


def test_what_a_client_sends_makes_no_header() -> None:
    answer = ask(("route-run", "redirect:/${PATH_INFO}"), PATH_INFO="/x\r\nSet-Cookie: a")
    assert answer.header("Location") == "//xSet-Cookie: a"
    answer = ask(("route-run", "addheader:X-A: ${PATH_INFO}"), PATH_INFO="/x\r\nSet-Cookie: a")
    assert answer.header("X-A") == "/xSet-Cookie: a"


@pytest.mark.parametrize(
    ("action", "path", "query"),
    [
        ("rewrite:/new", "/new", "q=1"),
        ("rewrite:/new?a=b", "/new", "a=b&q=1"),
        ("rewrite:/n%20w%zz", "/n w%zz", "q=1"),
        ("rewrite-last:/l", "/l", "q=1"),
    ],
)
def test_rewrite(action: str, path: str, query: str) -> None:
    _, request = serve(routes(("route-run", action)), QUERY_STRING="q=1")
    assert (request.environ["PATH_INFO"], request.environ["QUERY_STRING"]) == (path, query)


def test_what_rules_set() -> None:
    made = routes(
        ("route-run", "addvar:A=b=c"),
        ("route-run", "setuser:me"),
        ("route-run", "logvar:L=x"),
        ("route-run", "donotlog:"),
        ("route-run", "donotoffload:"),
        ("route-run", "setmodifier1:5"),
        ("route-run", "harakiri:7"),
    )
    _, request = serve(made)
    assert (request.environ["A"], request.environ["REMOTE_USER"]) == ("b=c", "me")
    assert (request.log, request.logvars, request.modifier1) == (False, {"L": "x"}, 5)
    assert request.offload is None
    assert 5e6 < request.core.deadline - time.monotonic_ns() // 1000 <= 7e6


def test_headers_come_and_go() -> None:
    answer = ask(("route-run", "addheader:X-New: a"), ("route-run", "delheader:x-app"))
    assert answer.headers == [("X-New", "a")]
    answer = ask(("route-run", "addheader:${NAME}: v"), NAME="X-Late")
    assert answer.header("X-Late") == "v"


def test_an_answer_of_the_rules_own() -> None:
    answer = ask(
        ("route-run", "clearheaders:201 Made"),
        ("route-run", "addheader:X-A: b"),
        ("route-run", "send-crnl:te"),
        ("route-run", "send:xt"),
        ("route-run", "break:"),
    )
    assert (answer.status, answer.headers, answer.body) == (
        "HTTP/1.1 201 Made", [("X-A", "b")], b"te\r\nxt",
    )  # fmt: skip


class TestBasicAuth:
    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        path = tmp_path / "users"
        path.write_text("a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\nb:bad\n\nc:$1$ab$X\n")
        return str(path)

    def answer(self, who: str, user: str | None, action: str = "basicauth") -> tuple[bytes, Any]:
        made = routes(("route-run", f"{action}:The Realm,{who}"))
        environ = {}
        if user is not None:
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(user.encode()).decode()
        data, request = serve(made, hello, **environ)
        return data, request.environ.get("REMOTE_USER")

    def test_who_is_known_goes_on(self, file: str) -> None:
        assert self.answer("me:secret", "me:secret")[1] == "me"
        assert self.answer(file, "a:test")[1] == "a"

    @pytest.mark.parametrize("user", [None, "me:wrong", "you:secret", "me", ""])
    def test_who_is_not_is_refused(self, user: str | None) -> None:
        data, name = self.answer("me:secret", user)
        assert data.startswith(b"HTTP/1.1 401 Authorization Required\r\n")
        assert b'WWW-Authenticate: Basic realm="The Realm"\r\n' in data
        assert name is None

    @pytest.mark.parametrize("user", ["a:wrong", "b:bad", "c:x", "d:test", "b:"])
    def test_who_is_not_in_the_file_is_refused(self, file: str, user: str) -> None:
        assert self.answer(file, user)[0].startswith(b"HTTP/1.1 401 ")

    def test_nobody_and_the_next_rule(self) -> None:
        assert self.answer("", "me:x")[0].startswith(b"HTTP/1.1 401 ")
        assert self.answer("/nonexistent", "me:x")[0].startswith(b"HTTP/1.1 401 ")
        data, name = self.answer("me:secret", "me:wrong", "basicauth-next")
        assert data.startswith(b"HTTP/1.1 200 ")
        assert name is None

    @pytest.mark.parametrize("value", ["Bearer x", "Basic ===", "Basic"])
    def test_strange_headers(self, value: str) -> None:
        made = routes(("route-run", "basicauth:R,me:secret"))
        assert b" 401 " in serve(made, HTTP_AUTHORIZATION=value)[0]


def test_done_is_what_a_stage_says() -> None:
    with request_of() as (request, _):
        assert routes(("route-run", "break:"))(request) == DONE
