"""A Flask site, unchanged, behind each front."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter, eventually, exchange, request
from tests.integration.fronts import FRONTS, PAGE, STYLE, UPLOAD, Browser, Site
from tests.integration.fronts import site as run

pytest.importorskip("flask", reason="absent: this Python has no flask")


@pytest.fixture(scope="module", params=FRONTS)
def site(request: pytest.FixtureRequest, start_module: Starter) -> Iterator[Site]:
    yield from run(start_module, request.param, "flask_site:app")


def test_a_page_is_rendered(site: Site) -> None:
    reply = Browser(site.port)("/")
    assert (reply.status, reply.text) == (200, "<title>Posts of &lt;nobody&gt;</title>")
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert reply.headers.get_all("Content-Type") == ["text/html; charset=utf-8"]


def test_a_form_logs_in_and_a_session_remembers_it(site: Site) -> None:
    browser = Browser(site.port)
    assert "<form" in browser("/login").text
    reply = browser.submit("/login", username="J%C3%A9r%C3%B4me")
    assert (reply.status, reply.headers["Location"]) == (302, "/")
    assert browser("/").text == "<title>Posts of Jérôme</title><p>welcome</p>"
    assert browser("/").text == "<title>Posts of Jérôme</title>"  # said once
    assert browser("/logout").status == 302
    assert "nobody" in browser("/").text


def test_an_upload_of_fifty_megabytes_arrives_whole(site: Site) -> None:
    reply = site.browser.upload("/upload", UPLOAD, note="beside it")
    wanted = hashlib.sha256(UPLOAD).hexdigest()
    assert json.loads(reply.body) == {"note": "beside it", "sha256": wanted}


def test_a_file_is_sent_by_an_offload_thread(site: Site) -> None:
    before = site.offloaded()
    reply = site.browser("/file")
    assert reply.body == PAGE
    assert reply.headers["Content-Length"] == str(len(PAGE))
    eventually(lambda: site.offloaded() > before, "the count of offloaded requests")
    again = site.browser("/file", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_part_of_a_file_is_sent(site: Site) -> None:
    reply = site.browser("/file", headers={"Range": "bytes=1000-1999"})
    assert (reply.status, reply.body) == (206, PAGE[1000:2000])
    assert reply.headers["Content-Range"] == f"bytes 1000-1999/{len(PAGE)}"


def test_memory_is_sent(site: Site) -> None:
    reply = site.browser("/memory")
    assert (reply.status, reply.body) == (200, PAGE)
    assert "memory.bin" in reply.headers["Content-Disposition"]


def test_a_stream_comes_whole(site: Site) -> None:
    reply = site.browser("/stream")
    assert reply.text == "".join(f"{n} of /stream\n" for n in range(50))
    assert "Content-Length" not in reply.headers


def test_head_has_no_body(site: Site) -> None:
    for path, size in (("/", 38), ("/file", len(PAGE)), ("/memory", len(PAGE))):
        whole = request(path, "HEAD", [("Connection", "close")])
        answer = exchange(site.port, whole)
        assert (answer.status, answer.body) == (200, b""), path
        assert answer.get("content-length") == str(size), path


def test_errors_are_the_frameworks_pages(site: Site) -> None:
    assert site.browser("/nowhere").status == 404
    assert site.browser("/upload").status == 405
    reply = site.browser("/fail")
    assert (reply.status, "Internal Server Error" in reply.text) == (500, True)
    site.subject.wait_for("RuntimeError: as the test wants it")


def test_a_static_file_does_not_come_from_the_application(site: Site) -> None:
    reply = site.browser("/static/style.css")
    assert (reply.status, reply.body) == (200, STYLE)
    assert reply.headers["Content-Type"] == "text/css"
    assert site.browser("/static/nothing.css").status == 404


def test_the_request_is_described_rightly(site: Site) -> None:
    reply = site.browser("/where/caf%C3%A9%20au%2Flait?q=a%26b&q=2")
    url = f"http://127.0.0.1:{site.port}/where/café au/lait?q=a%26b&q=2"
    told = json.loads(reply.body)
    assert told["rest"] == "café au/lait"
    assert told["args"] == {"q": "a&b"}
    assert told["url"].replace("%20", " ") == url
    assert told["ip"] == "127.0.0.1"
