"""A Pyramid site, unchanged, behind each front."""

import json
from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter
from tests.integration.fronts import FRONTS, PAGE, UPLOAD, Site
from tests.integration.fronts import site as run

pytest.importorskip("pyramid", reason="absent: this Python has no pyramid")

SIZE = 1_000_000


@pytest.fixture(scope="module", params=FRONTS)
def site(request: pytest.FixtureRequest, start_module: Starter) -> Iterator[Site]:
    yield from run(start_module, request.param, "pyramid_site:app")


def test_a_view_answers_with_json(site: Site) -> None:
    reply = site.browser("/hello/J%C3%A9r%C3%B4me?a=b")
    assert reply.status == 200
    assert json.loads(reply.body) == {"name": "Jérôme", "scheme": "http", "args": {"a": "b"}}


def test_an_upload_arrives_whole(site: Site) -> None:
    assert site.browser.upload("/upload", UPLOAD[:SIZE]).text == str(SIZE)


def test_a_redirection_names_the_host_that_was_asked(site: Site) -> None:
    reply = site.browser("/moved")
    assert reply.status == 302
    assert reply.headers["Location"].endswith("/hello/moved")


def test_a_file_and_a_stream(site: Site) -> None:
    assert site.browser("/file").body == PAGE
    assert site.browser("/stream").text.splitlines() == [str(number) for number in range(1000)]


def test_what_is_not_there(site: Site) -> None:
    assert site.browser("/nowhere").status == 404
