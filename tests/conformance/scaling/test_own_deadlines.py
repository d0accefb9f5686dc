"""Deadlines of requests that applications set, and what clients behind the router learn of them."""

from tests.conformance.harness import WORKER, Client, Starter, covers, get, request

SITE = """
http-socket = 127.0.0.1:PORT
master = true
module = app
"""
OWN_DEADLINE = """
import time, uwsgi
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/late":
        uwsgi.set_user_harakiri(1)
        time.sleep(25)
    if environ["PATH_INFO"] == "/spared":
        uwsgi.set_user_harakiri(1)
        uwsgi.set_user_harakiri(0)
        time.sleep(2.5)
    return [b"hello"]
"""


@covers("SC-217")
def test_an_application_may_limit_a_request_itself(start: Starter) -> None:
    subject = start(SITE, files={"app.py": OWN_DEADLINE}, until=WORKER)
    assert get(subject.port, "/spared").text == "hello"
    with Client(subject.port, request("/late")) as client:
        assert client.rest().raw == b""
    subject.wait_for("^Respawned uWSGI worker 1 ")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-217")
def test_behind_http_the_client_is_told(start: Starter) -> None:
    """Where nothing was sent yet, there may be words; the original just closes."""
    subject = start(
        SITE.replace("http-socket", "http").replace("app", "case_app") + "harakiri = 3\n",
        until=WORKER,
    )
    with Client(subject.port, request("/hold/long")) as client:
        answer = client.rest()
        assert answer.raw == b"" or answer.status in (502, 504)
    subject.wait_for("^Respawned uWSGI worker 1 ")
    assert get(subject.port, "/hello").text == "hello"


@covers("SC-354", kind="beyond")
def test_behind_http_the_client_gets_a_page_kept_or_not(start: Starter) -> None:
    subject = start(
        SITE.replace("http-socket", "http").replace("app", "case_app")
        + "harakiri = 2\nhttp-keepalive = 10\n",
        until=WORKER,
    )
    with Client(subject.port, request("/hello")) as client:
        assert client.answer().text == "hello"
        client.send(request("/hold/long"))
        answer = client.answer()
        assert answer.status in (502, 504)
        assert answer.text
    subject.wait_for("^Respawned uWSGI worker 1 ")
    assert get(subject.port, "/hello").text == "hello"
