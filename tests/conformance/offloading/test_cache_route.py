"""cache: routes and cachestore: what the cache holds is sent by a thread."""

import threading
from typing import Any

import pytest

from tests.conformance.harness import (
    WORKER,
    Client,
    Starter,
    Subject,
    covers,
    eventually,
    exchange,
    get,
    post,
    request,
    stats,
)

APP = """
import json, os, uwsgi
CALLS = {"n": 0}
def application(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    CALLS["n"] += 1
    if path == "/set":
        key, _, size = query.partition("=")
        done = uwsgi.cache_update(key, b"v" * int(size), 100 if key == "/expiring" else 0)
        start_response("200 OK", [])
        return [repr(done).encode()]
    status = "404 Not Found" if path == "/missing" else "200 OK"
    start_response(status, [("Content-Type", "text/x-app")])
    return [b"app %d" % CALLS["n"]]
"""
SITE = """
http-socket = 127.0.0.1:PORT
stats = 127.0.0.1:PORT1
module = app
"""
CACHE = "cache2 = name=c,items=100,blocksize=4000000\n"
FILES: dict[str, str | bytes] = {"app.py": APP}


def site(start: Starter, lines: str, threads: int = 1) -> Subject:
    return start(SITE + f"offload-threads = {threads}\n{lines}\n", files=FILES, until=WORKER)


def offloaded(subject: Subject) -> Any:
    return stats(subject.ports["PORT1"])["workers"][0]["cores"][0]["offloaded_requests"]


def put(subject: Subject, key: str, size: int) -> None:
    assert get(subject.port, f"/set?{key}={size}").text == "True"


EXAMPLE = "route-run = cache:key=${REQUEST_URI}"


@covers("OF-130")
def test_a_hit_and_a_miss(start: Starter) -> None:
    subject = site(start, CACHE + EXAMPLE)
    assert get(subject.port, "/x").text.startswith("app")
    put(subject, "/x", 1000)
    eventually(lambda: whole(get(subject.port, "/x").raw, 1000), "a whole hit")
    assert offloaded(subject) >= 1


def whole(raw: bytes, size: int) -> bool:
    return raw == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % size
        + b"v" * size
    )


@covers("OF-D1", "OF-130")
def test_every_hit_is_whole(start: Starter) -> None:
    """Hundreds of hits by several clients at once."""
    subject = site(start, CACHE + EXAMPLE, threads=2)
    put(subject, "/x", 10)
    broken: list[bytes] = []

    def client() -> None:
        for _ in range(75):
            raw = get(subject.port, "/x").raw
            if not whole(raw, 10):
                broken.append(raw)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert broken == []


@covers("OF-131")
def test_a_slow_reader_leaves_the_worker_free(start: Starter) -> None:
    subject = site(start, CACHE + EXAMPLE)
    put(subject, "/x", 3_000_000)
    with Client(subject.port, request("/x"), receive_buffer=4096) as slow:
        slow.more(10)
        put(subject, "/x", 5)
        body = slow.rest().raw
    assert body.count(b"v") >= 3_000_000


@covers("OF-132")
def test_without_threads_the_worker_sends(start: Starter) -> None:
    subject = site(start, CACHE + EXAMPLE, threads=0)
    put(subject, "/x", 1000)
    assert whole(get(subject.port, "/x").raw, 1000)
    assert offloaded(subject) == 0


@covers("OF-133")
@pytest.mark.parametrize("lines", [EXAMPLE, CACHE + EXAMPLE + ",name=other"])
def test_without_a_cache_it_is_a_miss(start: Starter, lines: str) -> None:
    """As in the document's example."""
    assert get(site(start, lines).port, "/x").text == "app 1"


@covers("OF-134", "OF-136")
@pytest.mark.parametrize(
    ("more", "head"),
    [
        (",no_offload=1", ["Content-Type: text/html", "Content-Length: 5"]),
        (",no_offload=1,content_type=a/b", ["Content-Type: a/b", "Content-Length: 5"]),
        (
            ",no_offload=1,content_encoding=x",
            ["Content-Type: text/html", "Content-Encoding: x", "Content-Length: 5"],
        ),
        (",no_offload=1,no_content_length=1", ["Content-Type: text/html"]),
        (",no_offload=1,nocl=1", ["Content-Type: text/html"]),
    ],
)
def test_the_words_of_a_cache_route(start: Starter, more: str, head: list[str]) -> None:
    subject = site(start, CACHE + EXAMPLE + more)
    put(subject, "/x", 5)
    answer = get(subject.port, "/x")
    assert [f"{name}: {value}" for name, value in answer.headers] == head
    assert answer.body == b"vvvvv"
    assert offloaded(subject) == 0


@covers("OF-135")
def test_an_expiring_item_says_so(start: Starter) -> None:
    subject = site(start, CACHE + EXAMPLE, threads=0)
    put(subject, "/expiring", 5)
    assert get(subject.port, "/expiring").names == ["Content-Type", "Expires", "Content-Length"]


@covers("OF-137")
def test_a_route_without_a_key_is_refused(start: Starter) -> None:
    ended = start.run(SITE + "route-run = cache:name=c\n", files=FILES)
    assert ended.code == 1
    assert "key" in ended.log


@covers("OF-138", "OF-139")
def test_replies_may_be_stored(start: Starter) -> None:
    """Bodies of 200 are, whatever the method was; others are not."""
    store = "route-run = cachestore:key=${REQUEST_URI}"
    subject = site(start, CACHE + EXAMPLE + "\n" + store, threads=0)
    first = get(subject.port, "/page")
    again = get(subject.port, "/page")
    assert first.body == again.body
    assert (first.get("content-type"), again.get("content-type")) == ("text/x-app", "text/html")
    assert get(subject.port, "/missing").body != get(subject.port, "/missing").body
    posted = post(subject.port, "/posted", b"")
    assert get(subject.port, "/posted").body == posted.body


@covers("OF-138", "OF-139")
def test_storing_another_status(start: Starter) -> None:
    store = "route-run = cachestore:key=${REQUEST_URI},status=404"
    subject = site(start, CACHE + EXAMPLE + "\n" + store, threads=0)
    assert get(subject.port, "/missing").body == get(subject.port, "/missing").body


@covers("OF-129")
@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ("route-run = cachevar:key=k,var=GOT", "7"),
        ("route-if = incache:key=k addvar:GOT=in", "in"),
        ("route-if-not = incache:key=nope addvar:GOT=out", "out"),
    ],
)
def test_other_actions_on_the_cache(start: Starter, rules: str, value: str) -> None:
    subject = site(
        start, f"{CACHE}add-cache-item = k=7\n{rules}\nroute-run = addheader:X-Got: ${{GOT}}"
    )
    assert get(subject.port, "/x").get("x-got") == value


@covers("OF-153")
def test_check_cache_answers_before_all(start: Starter) -> None:
    raw = "HTTP/1.0\t200"
    subject = site(start, f"{CACHE}check-cache\nadd-cache-item = /x={raw}")
    assert exchange(subject.port, request("/x")).raw == raw.encode()
    assert get(subject.port, "/y").text == "app 1"
