"""Rules that ask who it is, watch over requests, store what others answer."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Backend,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    free_port,
    get,
    request,
    stats,
)

Closing = Callable[[Any], Any]
APP = """
import time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(60)
    start_response("200 OK", [("X-Off", "yes")] if environ["PATH_INFO"] == "/off" else [])
    return [environ.get("REMOTE_USER", "nobody").encode()]
"""
FILES: dict[str, str | bytes] = {"app.py": APP}


def site(start: Starter, lines: str) -> Subject:
    return start(
        "http-socket = 127.0.0.1:PORT\nstats = 127.0.0.1:PORT1\nmaster = true\nmodule = app\n"
        + lines
        + "\n",
        files=FILES,
        until=WORKER,
    )


def ask(subject: Subject, who: str) -> Any:
    code = base64.b64encode(who.encode()).decode()
    return exchange(subject.port, request("/", headers=[("Authorization", f"Basic {code}")]))


@covers("OF-110")
@pytest.mark.parametrize("users", ["me:secret", "users"])
def test_who_is_it(start: Starter, users: str) -> None:
    """From a pair in the rule, or from a file of htpasswd."""
    start_files = {**FILES, "users": "me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"}
    subject = start(
        f"http-socket = 127.0.0.1:PORT\nmodule = app\nroute-run = basicauth:Realm,{users}\n",
        files=start_files,
        until=WORKER,
    )
    if users == "me:secret":
        assert ask(subject, "me:secret").text == "me"
    refused = ask(subject, "me:wrong")
    assert refused.status == 401
    assert refused.get("www-authenticate") == 'Basic realm="Realm"'
    assert get(subject.port, "/").status == 401


@covers("OF-110")
def test_a_deadline_for_some_requests(start: Starter) -> None:
    subject = site(start, "route = ^/slow harakiri:1")
    exchange(subject.port, request("/slow"))
    eventually(lambda: get(subject.port, "/").status == 200, "another worker answers")
    (worker,) = stats(subject.ports["PORT1"])["workers"]
    assert worker["harakiri_count"] == 1


@covers("OF-138")
def test_what_another_server_answers_is_stored(start: Starter, backend_closer: Closing) -> None:
    backend = backend_closer(Backend())
    subject = site(
        start,
        "cache2 = name=c,items=10\nroute-run = cache:key=${REQUEST_URI}\n"
        "route-run = cachestore:key=${REQUEST_URI}\n"
        f"route = ^/b proxyhttp:{backend.address}",
    )
    assert get(subject.port, "/b").text == "backend"
    assert get(subject.port, "/b").text == "backend"
    assert len(backend.seen) == 1


@covers("OF-D4", kind="beyond")
@pytest.mark.parametrize("threads", [0, 1])
def test_without_a_head_another_server_makes_the_answer(
    start: Starter, backend_closer: Closing, threads: int
) -> None:
    """Threads or not."""
    backend = backend_closer(Backend())
    subject = site(
        start,
        f"offload-threads = {threads}\ncollect-header = X-Off X_OFF\n"
        "response-route-if-not = empty:${X_OFF} disableheaders:\n"
        f"response-route-if-not = empty:${{X_OFF}} http:{backend.address}",
    )
    assert get(subject.port, "/off").text == "backend"
    assert get(subject.port, "/").text == "nobody"


@covers("OF-149")
def test_a_cache_of_another_server_may_be_changed(start: Starter) -> None:
    app = """
import uwsgi
def application(environ, start_response):
    start_response("200 OK", [])
    name = "there@" + environ["QUERY_STRING"]
    found = [uwsgi.cache_set("k", b"v" * 9000, 0, name), uwsgi.cache_set("k", "w", 0, name)]
    found += [uwsgi.cache_exists("k", name), len(uwsgi.cache_get("k", name))]
    found += [uwsgi.cache_update("k", "x", 100, name), uwsgi.cache_get("k", name)]
    found += [uwsgi.cache_del("k", name), uwsgi.cache_exists("k", name)]
    return [repr(found).encode()]
"""
    other = start(
        "socket = 127.0.0.1:PORT\nmodule = app\ncache2 = name=there,items=10\n",
        files=FILES,
        until=WORKER,
    )
    subject = start(
        "http-socket = 127.0.0.1:PORT\nmodule = app\n", files={"app.py": app}, until=WORKER
    )
    found = get(subject.port, f"/?127.0.0.1:{other.port}").text
    assert found == "[True, None, True, 9000, True, b'x', True, None]"


@covers("OF-151")
def test_caches_tell_each_other(start: Starter) -> None:
    """By datagrams, with the words nodes and udp."""
    app = """
import uwsgi
def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/set":
        uwsgi.cache_update("k", "told")
    return [uwsgi.cache_get("k") or b"nothing"]
"""
    port = free_port()
    listens = start(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nmodule = app\n"
        f"cache2 = name=c,items=10,udp=127.0.0.1:{port}\n",
        files={"app.py": app},
        until=WORKER,
    )
    tells = start(
        "http-socket = 127.0.0.1:PORT\nmaster = true\nmodule = app\n"
        f"cache2 = name=c,items=10,nodes=127.0.0.1:{port}\n",
        files={"app.py": app},
        until=WORKER,
    )

    def told() -> bool:
        get(tells.port, "/set")
        return get(listens.port, "/").text == "told"

    eventually(told, "the other cache has heard")
