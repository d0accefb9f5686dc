"""The later chains, collected headers, transformations."""

import zlib
from pathlib import Path

import pytest

from refuwsgi.request import Request
from tests.unit.offloading.stand import parse
from tests.unit.routing.test_routing_chain import ask, hello, routes, said, serve

__all__ = ["said"]


def gone(request: Request) -> None:
    request.respond("404 Not Found", [("Content-Length", "4")], b"gone")


def pieces(request: Request) -> None:
    request.send(request.head("200 OK", [("Content-Length", "12"), ("X-App", "yes")]) + b"one ")
    request.send(b"two ")
    request.send(b"last")
    request.size += 12


def test_the_response_chain_sees_the_status() -> None:
    rule = ("response-route-status", "404 addheader:X-Sorry: yes")
    assert ask(rule, app=gone).header("X-Sorry") == "yes"
    assert ask(rule).header("X-Sorry") is None


def test_the_error_chain_may_answer_instead() -> None:
    data, request = serve(routes(("error-route-status", "404 redirect:/x")), gone)
    assert data == b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nMoved"
    assert (request.status, request.size, request.keep) == (302, 5, False)


def test_it_also_looks_at_what_rules_answer() -> None:
    answer = ask(("route-run", "break:403"), ("error-route-status", "403 return:404"))
    assert answer.status == "HTTP/1.1 404 Not Found"


def test_chains_run_once() -> None:
    answer = ask(("error-route-run", "addheader:X-A: 1"), ("response-route-run", "break:418"))
    assert answer.status == "HTTP/1.1 418 I'm a teapot"
    assert [value for name, value in answer.headers if name == "X-A"] == ["1"]


def test_the_final_chain_runs_at_the_end(said: list[str]) -> None:
    ask(("final-route-run", "log:${uwsgi[status]} of ${uwsgi[rsize]}"))
    assert said[-1] == "200 of 5"


@pytest.mark.parametrize(
    ("option", "left"), [("collect-header", "yes"), ("response-header-collect", "yes"),
                         ("pull-header", None)],
)  # fmt: skip
def test_headers_become_variables(option: str, left: str | None) -> None:
    option = "collect-header" if option.startswith("response") else option
    answer = ask((option, "x-app VAR"), ("response-route-run", "addheader:X-Was: ${VAR}"))
    assert (answer.header("X-App"), answer.header("X-Was")) == (left, "yes")


def test_no_head() -> None:
    assert serve(routes(("route-run", "disableheaders:")))[0] == b"hello"


def test_gzip() -> None:
    data, request = serve(routes(("route-run", "gzip:")), pieces)
    answer = parse(data)
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.header("Content-Length") is None
    assert zlib.decompress(answer.body, 31) == b"one two last"
    assert not request.keep


def test_chunked() -> None:
    answer = ask(("route-run", "chunked:"), app=pieces)
    assert answer.header("Transfer-Encoding") == "chunked"
    assert answer.body == b"4\r\none \r\n4\r\ntwo \r\n4\r\nlast\r\n0\r\n\r\n"


def test_chunks_are_for_those_who_know_them() -> None:
    answer = ask(("route-run", "chunked:"), app=pieces, SERVER_PROTOCOL="HTTP/1.0")
    assert (answer.header("Transfer-Encoding"), answer.body) == (None, b"one two last")


def test_fixcl_and_two_at_once() -> None:
    answer = ask(("route-run", "gzip:"), ("route-run", "fixcl:"), app=pieces)
    assert answer.header("Content-Length") == str(len(answer.body))
    assert zlib.decompress(answer.body, 31) == b"one two last"


def test_a_head_has_no_body() -> None:
    answer = ask(("route-run", "gzip:"), ("route-run", "fixcl:"), REQUEST_METHOD="HEAD")
    assert (answer.status, answer.body) == ("HTTP/1.1 200 OK", b"")
    assert answer.header("Content-Length") is None


def test_an_answer_of_the_rules_is_transformed_too() -> None:
    answer = ask(("route-run", "gzip:"), ("route-run", "return:403"))
    assert zlib.decompress(answer.body, 31) == b"Forbidden"


def test_to_a_file(tmp_path: Path, said: list[str]) -> None:
    copy = tmp_path / "copy"
    answer = ask(("route-run", "flush:"), ("route-run", f"tofile:filename={copy}"), app=pieces)
    assert answer.body == copy.read_bytes() == b"one two last"
    assert ask(("route-run", "tofile:filename=/nonexistent/x")).body == b"hello"
    assert said[-1].startswith("tofile: ")


def test_an_error_chain_takes_the_place_of_a_transformed_body() -> None:
    answer = ask(("route-run", "gzip:"), ("error-route-status", "404 return:500"), app=gone)
    assert (answer.status, answer.body) == (
        "HTTP/1.1 500 Internal Server Error",
        b"Internal Server Error",
    )


def test_without_rules_for_it_a_request_is_left_alone() -> None:
    _, request = serve(routes(("route", "^/nope log:x")), hello)
    assert request.routed is None
