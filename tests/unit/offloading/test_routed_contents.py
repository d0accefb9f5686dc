"""What rules send themselves: values of caches, files, whole bodies, values of stores."""

import os
from pathlib import Path
from typing import Any

import pytest

from refuwsgi.cache.layout import Shape
from refuwsgi.cache.options import Caches
from refuwsgi.cache.store import Cache, Manners
from refuwsgi.offloading import (
    cache_router,
    file_routes,
    mime,
    offload_route,
    pipe_routes,
    static_answer,
    static_paths,
)
from refuwsgi.request import Request
from refuwsgi.routing.answer import routed_of
from refuwsgi.routing.verdicts import BREAK, NEXT, Maker
from tests.unit.offloading.stand import Answer, parse, read_all, request_of, started
from tests.unit.offloading.test_internal_routing import answer_of, node, said

__all__ = ["said"]
CACHE = Cache("c", Shape(20, 20, 1 << 16, 64, 8, False, False), Manners())
CACHES = Caches({"c": CACHE})


@pytest.fixture(autouse=True)
def fresh() -> None:
    CACHE.clear()


def actions(tmp_path: Path | None = None) -> dict[str, Maker]:
    table = mime.Types()
    table.add(["text/plain txt"])
    answers = static_answer.Answers(static_paths.Places(index=(b"index.html",)), table)
    return {
        **cache_router.actions(CACHES, table.type_of),
        **file_routes.actions(lambda: answers),
        **offload_route.ACTIONS,
        **pipe_routes.actions(),
    }


def ask(rule: str, verdict: int = BREAK, threads: Any = None, **environ: str) -> Answer:
    name, _, argument = rule.partition(":")
    with request_of(environ) as (request, client):
        request.offload = threads.offload if threads is not None else None
        assert actions()[name](argument)(request, None) == verdict
        return parse(answer_of(request, client))


class TestCache:
    @pytest.mark.parametrize("threads", [0, 1])
    def test_a_hit(self, threads: int) -> None:
        CACHE.set(b"/k", b"value")
        with started(1) as made:
            answer = ask("cache:key=${PATH_INFO}", BREAK, made if threads else None, PATH_INFO="/k")
        assert answer.status == "HTTP/1.1 200 OK"
        assert answer.headers == [("Content-Type", "text/html"), ("Content-Length", "5")]
        assert answer.body == b"value"

    @pytest.mark.parametrize("rule", ["cache:key=no", "cache:key=k,name=no"])
    def test_a_miss(self, rule: str) -> None:
        CACHE.set(b"k", b"value")
        assert ask(rule, NEXT).status == ""

    @pytest.mark.parametrize(
        ("more", "names"),
        [
            ("content_type=a/b,content_encoding=x", "Content-Type Content-Encoding Content-Length"),
            ("no_cl=1", "Content-Type"),
            ("nocl=1,mime=1", "Content-Type"),
        ],
    )
    def test_words(self, more: str, names: str) -> None:
        CACHE.set(b"k.txt", b"value")
        answer = ask(f"cache:key=k.txt,{more}")
        assert " ".join(name for name, _ in answer.headers) == names
        if "mime" in more:
            assert answer.header("Content-Type") == "text/plain"

    def test_an_end_is_told(self) -> None:
        CACHE.set(b"k", b"value", 100)
        assert str(ask("cache:key=k").header("Expires")).endswith(" GMT")

    def test_a_head_has_no_body(self) -> None:
        CACHE.set(b"k", b"value")
        answer = ask("cache:key=k", REQUEST_METHOD="HEAD")
        assert (answer.header("Content-Length"), answer.body) == ("5", b"")

    def test_going_on_after_an_answer_adds_nothing(self) -> None:
        CACHE.set(b"k", b"value")
        with request_of() as (request, client):
            assert actions()["cache-continue"]("key=k")(request, None) == NEXT
            request.respond("200 OK", [], b"more")
            assert answer_of(request, client).endswith(b"\r\n\r\nvalue")

    @pytest.mark.parametrize(
        ("status", "more", "stored"),
        [("200 OK", "", True), ("404 No", "", False), ("404 No", ",status=404", True)],
    )
    def test_storing(self, status: str, more: str, stored: bool) -> None:
        with request_of() as (request, client):
            actions()["cachestore"](f"key=k,expires=10,gzip=z{more}")(request, None)
            request.respond(status, [], b"a body")
            routed_of(request).end(request)
            assert answer_of(request, client).endswith(b"a body")
        assert CACHE.exists(b"k") is CACHE.exists(b"z") is stored

    def test_variables_and_numbers(self) -> None:
        made = actions()
        CACHE.set(b"v", b"7")
        with request_of() as (request, _):
            made["cachevar"]("key=v,var=GOT")(request, None)
            assert request.environ["GOT"] == "7"
            assert made["cacheset"]("key=n,value=x")(request, None) == NEXT
            assert made["cacheset"]("key=n,value=x")(request, None) == BREAK
            for name in ("cacheinc:value=9", "cachedec", "cachemul", "cachediv:value=4"):
                name, _, more = name.partition(":")
                made[name](f"key=i,{more}")(request, None)
            holds = cache_router.conditions(CACHES)["incache"]("key=v")
            assert holds(request, None)
        assert CACHE.number(b"i") == 4

    @pytest.mark.parametrize(
        "rule", ["cache:name=c", "cachevar:key=k", "cacheset:key=k", "cachediv:key=k,value=0",
                 "cachestore:key=k,expires=x"],
    )  # fmt: skip
    def test_mistakes(self, rule: str) -> None:
        name, _, argument = rule.partition(":")
        with pytest.raises(ValueError, match="."):
            actions()[name](argument)


class TestFiles:
    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        (tmp_path / "f.txt").write_bytes(b"the file")
        (tmp_path / "big").write_bytes(b"x" * 60_000)
        return str(tmp_path / "f.txt")

    @pytest.mark.parametrize("threads", [0, 1])
    @pytest.mark.parametrize("how", ["static:", "file:filename=", "sendfile:filename=",
                                     "fastfile:filename="])  # fmt: skip
    def test_each_way(self, file: str, how: str, threads: int) -> None:
        with started(1) as made:
            for name in (file, os.path.join(os.path.dirname(file), "big")):
                answer = ask(how + name, BREAK, made if threads else None)
                assert answer.body == Path(name).read_bytes()
                assert answer.header("Content-Length") == str(len(answer.body))

    def test_words(self, file: str) -> None:
        answer = ask(f"file:filename={file},status=201,content_type=a/b,no_cl=1")
        assert answer.status == "HTTP/1.1 201 Created"
        assert answer.headers == [("Content-Type", "a/b")]
        assert ask(f"file:filename={file},mime=1").header("Content-Type") == "text/plain"

    @pytest.mark.parametrize("how", ["static", "file", "sendfile", "fastfile"])
    def test_what_is_missing(self, how: str) -> None:
        argument = "/nonexistent" if how == "static" else "filename=/nonexistent"
        assert ask(f"{how}:{argument}").status == "HTTP/1.1 404 Not Found"
        assert ask(f"{how}-next:{argument}", NEXT).status == ""

    def test_other_methods(self, file: str) -> None:
        status = ask(f"static:{file}", REQUEST_METHOD="POST").status
        assert status == "HTTP/1.1 405 Method Not Allowed"

    def test_names_of_the_client(self, file: str) -> None:
        assert ask("static:${PATH_INFO}", PATH_INFO=file).body == b"the file"
        answer = ask("static:${PATH_INFO}", PATH_INFO=file + "\0")
        assert answer.status == "HTTP/1.1 404 Not Found"

    def test_no_name(self) -> None:
        with pytest.raises(ValueError, match="filename"):
            actions()["file"]("status=200")


class TestWholeBodies:
    @pytest.mark.parametrize("size", [0, 10, 5000])
    @pytest.mark.parametrize("threads", [0, 1])
    def test_in_memory_and_on_disk(self, size: int, threads: int) -> None:
        with started(1) as made, request_of() as (request, client):
            request.offload = made.offload if threads else None
            actions()["offload"]("100")(request, None)
            request.respond("200 OK", [("X-A", "b")], b"x" * size)
            if request.routed is not None:
                routed_of(request).end(request)
            given = request.fd < 0
            data = read_all(client) if given else answer_of(request, client)
            assert data == b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n" + b"x" * size
            assert given is bool(threads and size)
            assert request.core.offloaded == int(given)

    def test_a_limit_that_is_none(self) -> None:
        with pytest.raises(ValueError, match="number"):
            actions()["offload"]("abc")


REDIS = b"$5\r\nvalue\r\n"
MEMCACHED = b"VALUE k 0 5\r\nvalue\r\nEND\r\n"


class TestStores:
    @pytest.mark.parametrize(("name", "reply"), [("redis", REDIS), ("memcached", MEMCACHED)])
    @pytest.mark.parametrize("threads", [0, 1])
    def test_a_value(self, name: str, reply: bytes, threads: int) -> None:
        heard: list[bytes] = []
        with node(reply, heard) as where, started(1) as made:
            answer = ask(f"{name}:addr={where},key=k", BREAK, made if threads else None)
        assert (answer.header("Content-Length"), answer.body) == ("5", b"value")
        asked = {"redis": b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "memcached": b"get k\r\n"}
        assert heard == [asked[name]]

    @pytest.mark.parametrize(
        ("name", "reply"),
        [("redis", b"$-1\r\n"), ("memcached", b"END\r\n"), ("redis", b"-ERR\r\n" * 2000),
         ("memcached", b"")],
    )  # fmt: skip
    def test_nothing_is_the_next_rule(self, name: str, reply: bytes) -> None:
        with node(reply) as where:
            assert ask(f"{name}:addr={where},key=k", NEXT).status == ""

    def test_a_dead_one_is_the_next_rule(self, said: list[str]) -> None:
        assert ask("redis:addr=127.0.0.1:1,key=k", NEXT).status == ""
        assert said[0].startswith("redis: 127.0.0.1:1: ")

    def test_a_key_that_would_be_a_command(self) -> None:
        key = "k\r\nflush_all"
        rule = "memcached:addr=127.0.0.1:1,key=${PATH_INFO}"
        assert ask(rule, NEXT, PATH_INFO=key).status == ""

    def test_a_value_that_ends_early_is_cut(self) -> None:
        with node(b"$9\r\nval") as where, request_of() as (request, client):
            action = actions()["redis"](f"addr={where},key=k")
            with pytest.raises(ConnectionAbortedError):
                action(request, None)
            assert answer_of(request, client).endswith(b"val")

    @pytest.mark.parametrize(
        ("name", "command"),
        [
            ("redisstore", b"*4\r\n$5\r\nSETEX\r\n$1\r\nk\r\n$1\r\n9\r\n$4\r\nbody\r\n"),
            ("memcachedstore", b"set k 0 9 4\r\nbody\r\n"),
        ],
    )
    def test_storing(self, name: str, command: bytes) -> None:
        heard: list[bytes] = []
        with node(b"+OK\r\n", heard) as where, request_of() as (request, client):
            actions()[name](f"addr={where},key=k,expires=9")(request, None)
            finish(request, b"body")
            assert answer_of(request, client).endswith(b"body")
        assert heard == [command]

    @pytest.mark.parametrize("argument", ["key=k", "addr=x:1", "addr=x:y,key=k"])
    def test_mistakes(self, argument: str) -> None:
        with pytest.raises(ValueError, match="."):
            actions()["redis"](argument)


def finish(request: Request, body: bytes) -> None:
    request.respond("200 OK", [], body)
    routed_of(request).end(request)
