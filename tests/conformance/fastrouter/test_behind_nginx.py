"""Behind nginx: a real web server in front of the router."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.fastrouter.talk import ROUTER, TALLY, dead
from tests.conformance.harness import (
    Backend,
    Received,
    Starter,
    covers,
    eventually,
    free_port,
    get,
    listening,
    post,
)

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIG = """
daemon off;
master_process off;
pid DIR/nginx.pid;
error_log DIR/error.log;
events { worker_connections 64; }
http {
    access_log off;
    keepalive_timeout 0;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    scgi_temp_path DIR/scgi;
    uwsgi_temp_path DIR/uwsgi;
    server {
        listen 127.0.0.1:FRONT;
        location / {
            uwsgi_pass ROUTER;
            uwsgi_read_timeout 3s;
            uwsgi_modifier1 5;
            uwsgi_param REQUEST_METHOD $request_method;
            uwsgi_param CONTENT_LENGTH $content_length;
            uwsgi_param PATH_INFO $document_uri;
            MORE
        }
    }
}
"""

Web = Callable[..., int]


@pytest.fixture
def nginx(start: Starter) -> Iterator[Web]:
    """Start nginx before an address; gives the port of its front."""
    running: list[subprocess.Popen[bytes]] = []

    def run(router: str, more: str = "") -> int:
        assert NGINX is not None
        directory = start.directory()
        port = free_port()
        text = CONFIG.replace("DIR", str(directory)).replace("FRONT", str(port))
        conf = Path(directory, "nginx.conf")
        conf.write_text(text.replace("ROUTER", router).replace("MORE", more))
        words = [NGINX, "-p", str(directory), "-c", str(conf), "-e", f"{directory}/error.log"]
        quiet: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        running.append(subprocess.Popen(words, stderr=subprocess.DEVNULL, **quiet))
        eventually(lambda: listening(port))
        return port

    yield run
    for process in running:
        process.kill()
        process.wait()


def whole(sock: Any, received: Received) -> None:
    """Answer over HTTP what the key and the modifier were, and the size of the body."""
    assert received.packet is not None
    host = received.packet.vars.get("HTTP_HOST", "")
    text = f"{host} {received.packet.modifier1} {len(received.body)}"
    sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


@covers("FR-190", "FR-191", "FR-193")
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_requests_pass_through_nginx(start: Starter, nginx: Web, kind: str) -> None:
    """GET and a body of 50 kB; the key has the client's port, the modifier is the router's."""
    with Backend(whole, protocol="uwsgi") as n:
        subject = start(
            TALLY + f"fastrouter = DIR/r.sock\nchmod-socket = 666\nfastrouter-to = {n.address}\n",
            until=ROUTER,
        )
        router = f"127.0.0.1:{subject.port}" if kind == "tcp" else f"unix:{subject.path('r.sock')}"
        front = nginx(router)
        answer = post(front, "/", b"x" * 50_000)
        assert answer.status == 200
        assert answer.text == "localhost 0 50000"


@covers("FR-193")
def test_the_web_server_chooses_the_pool(start: Starter, nginx: Web) -> None:
    """uwsgi_param UWSGI_FASTROUTER_KEY counts before the Host."""
    directory = start.directory()
    with Backend(whole, protocol="uwsgi", path=str(directory / "chosen")):
        subject = start.launch(TALLY + "fastrouter-use-base = DIR/\n", directory=directory)
        subject.wait_for(ROUTER)
        subject.wait_listening(subject.port)
        front = nginx(f"127.0.0.1:{subject.port}", "uwsgi_param UWSGI_FASTROUTER_KEY chosen;")
        assert get(front).status == 200


@covers("FR-192")
def test_a_closed_request_is_a_502_there(start: Starter, nginx: Web) -> None:
    """An unknown key, a dead node: nginx says Bad Gateway."""
    subject = start(TALLY + f"fastrouter-to = {dead()}\n", until=ROUTER)
    front = nginx(f"127.0.0.1:{subject.port}")
    assert get(front).status == 502


@covers("FR-192")
def test_a_cheap_router_is_a_504_there(start: Starter, nginx: Web) -> None:
    """nginx waits for uwsgi_read_timeout."""
    subject = start(
        TALLY + f"fastrouter-subscription-server = 127.0.0.1:{free_port()}\n"
        "fastrouter-cheap = true\n",
        until=ROUTER,
    )
    front = nginx(f"127.0.0.1:{subject.port}")
    assert get(front).status == 504


@covers("FR-194")
def test_a_streamed_upload_passes(start: Starter, nginx: Web) -> None:
    """uwsgi_request_buffering off: the router forwards the body as it comes."""
    with Backend(whole, protocol="uwsgi") as n:
        subject = start(TALLY + f"fastrouter-to = {n.address}\n", until=ROUTER)
        front = nginx(f"127.0.0.1:{subject.port}", "uwsgi_request_buffering off;")
        answer = post(front, "/", b"x" * 300_000)
        assert answer.text == "localhost 0 300000"
