"""A Django site, unchanged, behind each front."""

import hashlib
import json
import re
from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter, eventually, exchange, request
from tests.integration.fronts import FRONTS, PAGE, STYLE, UPLOAD, Browser, Site
from tests.integration.fronts import site as run

pytest.importorskip("django", reason="absent: this Python has no django")


@pytest.fixture(scope="module", params=FRONTS)
def site(request: pytest.FixtureRequest, start_module: Starter) -> Iterator[Site]:
    yield from run(start_module, request.param, "django_site:application")


def test_a_page_is_made(site: Site) -> None:
    reply = Browser(site.port)("/")
    assert (reply.status, reply.text) == (200, "hello stranger, http")
    assert reply.headers["X-Frame-Options"] == "DENY"


def test_a_form_needs_its_token_and_a_session_remembers_the_choice(site: Site) -> None:
    browser = Browser(site.port)
    form = browser("/vote/").text
    assert '<link href="/static/style.css">' in form
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
    assert browser.submit("/vote/", choice="forged").status == 403
    reply = browser.submit("/vote/", choice="right", csrfmiddlewaretoken=token)
    assert (reply.status, reply.headers["Location"]) == (302, "/")
    assert browser("/").text == "hello right, http"
    assert "<p>right</p>" in browser("/vote/").text


def test_a_missing_slash_redirects(site: Site) -> None:
    reply = site.browser("/vote?x=1")
    assert (reply.status, reply.headers["Location"]) == (301, "/vote/?x=1")


def test_an_upload_of_fifty_megabytes_arrives_whole(site: Site) -> None:
    browser = Browser(site.port)
    token = browser("/upload").text
    reply = browser.upload("/upload", UPLOAD, csrfmiddlewaretoken=token, note="beside it")
    wanted = hashlib.sha256(UPLOAD).hexdigest()
    assert json.loads(reply.body) == {"note": "beside it", "sha256": wanted}


def test_a_file_is_sent_by_an_offload_thread(site: Site) -> None:
    before = site.offloaded()
    reply = site.browser("/file")
    assert (reply.status, reply.body) == (200, PAGE)
    assert reply.headers["Content-Length"] == str(len(PAGE))
    eventually(lambda: site.offloaded() > before, "the count of offloaded requests")


def test_memory_is_sent(site: Site) -> None:
    reply = site.browser("/memory")
    assert (reply.status, reply.body) == (200, PAGE)
    assert "memory.bin" in reply.headers["Content-Disposition"]


def test_a_stream_comes_whole(site: Site) -> None:
    reply = site.browser("/stream")
    assert reply.text == "".join(f"{n} of /stream\n" for n in range(50))


def test_head_has_no_body(site: Site) -> None:
    for path, size in (("/", 20), ("/file", len(PAGE)), ("/memory", len(PAGE))):
        answer = exchange(site.port, request(path, "HEAD", [("Connection", "close")]))
        assert (answer.status, answer.body) == (200, b""), path
        assert answer.get("content-length") == str(size), path


def test_errors_are_the_frameworks_pages(site: Site) -> None:
    assert site.browser("/nowhere").status == 404
    reply = site.browser("/fail")
    assert (reply.status, "Server Error" in reply.text) == (500, True)
    site.subject.wait_for("RuntimeError: as the test wants it")


def test_a_static_file_does_not_come_from_the_application(site: Site) -> None:
    reply = site.browser("/static/style.css")
    assert (reply.status, reply.body) == (200, STYLE)
    assert reply.headers["Content-Type"] == "text/css"


def test_the_request_is_described_rightly(site: Site) -> None:
    told = json.loads(site.browser("/where/caf%C3%A9%20au%2Flait?q=a%26b&q=2").body)
    assert told["rest"] == "café au/lait"
    assert told["q"] == ["a&b", "2"]
    # Django quotes anew what the gateway has unquoted.
    url = f"http://127.0.0.1:{site.port}/where/caf%C3%A9%20au/lait?q=a%26b&q=2"
    assert told["url"] == url
