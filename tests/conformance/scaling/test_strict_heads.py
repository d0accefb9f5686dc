"""What two readers could take for two different requests is no request: that is how to smuggle."""

import pytest

from tests.conformance.harness import Starter, Subject, covers, exchange, request

FRAMES = (
    ("two lengths", [("Content-Length", "3"), ("Content-Length", "5")], b"abcde"),
    ("a length beside chunks", [("Content-Length", "3"), ("Transfer-Encoding", "chunked")], b"0"),
    ("chunks twice", [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], b"0"),
    ("two hosts", [("Host", "other")], b""),
    ("a blank before the colon", [("X-A ", "v")], b""),
    ("a folded line", [("X-A", "a\r\n X-B: b")], b""),
    ("a sign in the length", [("Content-Length", "+3")], b"abc"),
)


@pytest.fixture(scope="module", params=["http-socket", "http"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> Subject:
    return start_module(f"{request.param} = 127.0.0.1:PORT\nmaster = true\nmodule = dump_app\n")


@covers("SC-360", kind="beyond")
@pytest.mark.parametrize(
    ("headers", "body"), [each[1:] for each in FRAMES], ids=[each[0] for each in FRAMES]
)
def test_what_could_mean_two_things_is_refused(
    site: Subject, headers: list[tuple[str, str]], body: bytes
) -> None:
    data = request("/", "POST", headers)
    assert exchange(site.port, data + body, half_close=True).status == 400


@covers("SC-361", kind="beyond")
def test_a_body_of_several_chunks_arrives_whole(site: Subject) -> None:
    data = request("/", "POST", [("Transfer-Encoding", "chunked")])
    answer = exchange(site.port, data + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
    assert answer.json()["body"] == "abcdefg"
