"""The offloading document's files, letter by letter; only the ports are others."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import (
    Answer,
    Starter,
    Subject,
    ask,
    eventually,
    exchange,
    packet,
    request_vars,
    stats,
)
from tests.integration.node import node_backend
from tests.integration.original import backend

STATIC = """
   [uwsgi]
   socket = :3031
   check-static = /var/www
   offload-threads = 4
"""
ROUTES = """
   [uwsgi]
   socket = :3031
   offload-threads = 8
   route = ^/foo http:127.0.0.1:8080
   route = ^/bar http:127.0.0.1:8181
   route = ^/node http:127.0.0.1:9090
"""
CACHE = """
   [uwsgi]
   socket = :3031
   offload-threads = 8
   route-run = cache:key=${REQUEST_URI}
"""
STATS = ("--stats", "127.0.0.1:PORT9")
WORKER = r"^spawned uWSGI worker 1 "

BACKEND = """
http-socket = 127.0.0.1:PORT1
http-socket = 127.0.0.1:PORT2
http-socket = 127.0.0.1:PORT3
threads = 2
module = backend_app
"""
BACKEND_APP = """
import hashlib, json
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    names = ("SERVER_PORT", "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_HOST")
    told = {name: environ.get(name) for name in names}
    told["sha256"] = hashlib.sha256(body).hexdigest()
    if environ["PATH_INFO"].endswith("/big"):
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return [b"0123456789abcdef" * 65536 for _ in range(3)]
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Backend", "yes")])
    return [json.dumps(told).encode()]
"""
NODE_APP = """
const http = require("http"), crypto = require("crypto");
function answer(request, response) {
    const hash = crypto.createHash("sha256");
    request.on("data", (data) => hash.update(data));
    request.on("end", () => {
        const [path, query] = request.url.split("?");
        const type = path.endsWith("/big") ? "application/octet-stream" : "application/json";
        response.writeHead(200, {"Content-Type": type, "X-Backend": "yes"});
        if (path.endsWith("/big")) {
            for (let n = 0; n < 3; n++) response.write("0123456789abcdef".repeat(65536));
            return response.end();
        }
        response.end(JSON.stringify({
            SERVER_PORT: String(request.socket.localPort), REQUEST_METHOD: request.method,
            PATH_INFO: path, QUERY_STRING: query || "", HTTP_HOST: request.headers.host,
            sha256: hash.digest("hex"),
        }));
    });
}
for (const port of process.argv.slice(2)) http.createServer(answer).listen(+port, "127.0.0.1");
"""
CACHE_APP = """
import uwsgi
def application(environ, start_response):
    uri = environ["REQUEST_URI"]
    uwsgi.cache_update(uri, b"kept of " + uri.encode() * 5000)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"made"]
"""


def moved(ini: str, *ports: int) -> str:
    """The document's file with other ports."""
    text = ini.replace(":3031", ":PORT")
    for old, new in zip(("8080", "8181", "9090"), ports, strict=False):
        text = text.replace(old, str(new))
    return text


def offloaded(subject: Subject) -> int:
    """The metric of the document."""
    told: Any = stats(subject.ports["PORT9"])
    return int(told["workers"][0]["cores"][0]["offloaded_requests"])


def wait_counted(subject: Subject, before: int) -> None:
    """Wait until the metric has grown."""
    eventually(lambda: offloaded(subject) > before, "it is counted")


@pytest.fixture(scope="module", params=["refuwsgi", "uwsgi", "node"])
def site(request: pytest.FixtureRequest, start_module: Starter) -> tuple[Subject, Subject]:
    if request.param == "node":
        behind = node_backend(start_module, NODE_APP)
    else:
        behind = backend(start_module, request.param, BACKEND, {"backend_app.py": BACKEND_APP})
    ports = [behind.ports[name] for name in ("PORT1", "PORT2", "PORT3")]
    words = ("--module", "case_app", *STATS)
    return start_module(moved(ROUTES, *ports), *words, until=WORKER), behind


class TestStaticFiles:
    def test_the_file_runs_as_it_stands(self, start: Starter) -> None:
        subject = start(moved(STATIC), "--module", "case_app", *STATS, until=WORKER)
        subject.wait_for(r"^spawned 4 offload threads for uWSGI worker 1")
        assert ask(subject.port, "/no/such/file").text == "hello"
        there = [path for path in Path("/var/www").rglob("*") if path.is_file()]
        for path in there[:1]:  # whatever this machine has
            answer = ask(subject.port, f"/{path.relative_to('/var/www')}")
            assert (answer.status, answer.body) == (200, path.read_bytes())

    def test_the_whole_transfer_is_delegated(self, start: Starter) -> None:
        """In another directory than /var/www, which may not be ours to write to."""
        data = b"0123456789" * 300_000
        subject = start(
            moved(STATIC).replace("/var/www", "DIR/www"),
            *("--module", "case_app", *STATS),
            files={"www/big.bin": data, "www/style.css": b"p {}\n"},
            until=WORKER,
        )
        assert ask(subject.port, "/big.bin").body == data
        assert ask(subject.port, "/style.css").body == b"p {}\n"
        assert ask(subject.port, "/hello").text == "hello"
        eventually(lambda: offloaded(subject) == 2, "both files are counted")


class TestRoutes:
    def test_each_path_goes_to_its_server(self, site: tuple[Subject, Subject]) -> None:
        front, behind = site
        for path, port in (("/foo", "PORT1"), ("/bar/x", "PORT2"), ("/node?a=b", "PORT3")):
            before = offloaded(front)
            answer = ask(front.port, path)
            told = json.loads(answer.body)
            assert (answer.status, answer.get("x-backend")) == (200, "yes")
            assert told["SERVER_PORT"] == str(behind.ports[port])
            assert told["PATH_INFO"] + "?" * ("?" in path) + told["QUERY_STRING"] == path
            assert told["HTTP_HOST"] == "example.com"
            wait_counted(front, before)

    def test_everything_else_is_the_applications(self, site: tuple[Subject, Subject]) -> None:
        assert ask(site[0].port, "/else").text == "hello"
        assert ask(site[0].port, "/x/foo").text == "hello"

    def test_a_big_answer_comes_whole(self, site: tuple[Subject, Subject]) -> None:
        answer = ask(site[0].port, "/foo/big")
        assert answer.body == b"0123456789abcdef" * 65536 * 3

    def test_a_body_arrives(self, site: tuple[Subject, Subject]) -> None:
        answer = post(site[0], "/bar", b"x" * 2000)
        assert json.loads(answer.body)["REQUEST_METHOD"] == "POST"
        assert json.loads(answer.body)["sha256"] == hashlib.sha256(b"x" * 2000).hexdigest()


def post(front: Subject, path: str, body: bytes) -> Answer:
    """Post over the uwsgi protocol."""
    variables = request_vars(path, "POST", CONTENT_LENGTH=str(len(body)), CONTENT_TYPE="text/plain")
    return exchange(front.port, packet(variables) + body)


class TestCache:
    def test_what_is_cached_does_not_come_from_the_application(self, start: Starter) -> None:
        """The document leaves the cache itself to the reader; here it is on the command line."""
        cache = ("--cache2", "name=default,items=10,blocksize=1000000")
        subject = start(
            moved(CACHE),
            *("--module", "cache_app", *cache, *STATS),
            files={"cache_app.py": CACHE_APP},
            until=WORKER,
        )
        assert ask(subject.port, "/page?x=1").text == "made"
        for _ in range(5):
            assert ask(subject.port, "/page?x=1").text == "kept of " + "/page?x=1" * 5000
        assert ask(subject.port, "/page?x=2").text == "made"
        eventually(lambda: offloaded(subject) == 5, "all hits are counted")
