"""One site behind each of the fronts that people put before it, and a browser to look at it."""

import http.client
import random
import sys
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from tests.conformance.harness import Starter, Subject, stats
from tests.integration.nginx import Nginx

SITES = Path(__file__).parent / "sites"
FRONTS = {
    "http-socket": "http-socket = 127.0.0.1:PORT",
    "http": "http = 127.0.0.1:PORT",
    "uwsgi_pass": "socket = DIR/site.sock\nchmod-socket = 666",
    "proxy_pass": "http-socket = 127.0.0.1:PORT",
}
INI = f"""
[uwsgi]
strict = true
master = true
FRONT
processes = 2
threads = 2
offload-threads = 1
virtualenv = {sys.prefix}
pythonpath = DIR/
module = MODULE
static-map = /static=DIR/static
stats = 127.0.0.1:PORT1
vacuum = true
"""
PAGE = bytes(range(256)) * 1000  # a file of 256 kB
UPLOAD = random.Random(17).randbytes(1 << 20) * 50
STYLE = b"body { color: black }\n"


class Reply:
    """What a browser gets."""

    def __init__(self, got: http.client.HTTPResponse) -> None:
        self.status = got.status
        self.headers = got.headers
        self.body = got.read()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Browser:
    """A client that keeps cookies, as browsers do."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def __call__(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one request on a connection of its own."""
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, sent)
            reply = Reply(connection.getresponse())
        finally:
            connection.close()
        for line in reply.headers.get_all("Set-Cookie") or ():
            self.cookies.update({k: m.value for k, m in SimpleCookie(line).items()})
        return reply

    def submit(self, path: str, **fields: str) -> Reply:
        """Post a form."""
        body = "&".join(f"{k}={v}" for k, v in fields.items()).encode()
        return self(path, "POST", body, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(self, path: str, data: bytes, **fields: str) -> Reply:
        """Post a file, and fields beside it."""
        parts = [
            f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body = b"".join([*parts, head, data, b"\r\n--edge--\r\n"])
        return self(path, "POST", body, {"Content-Type": "multipart/form-data; boundary=edge"})


class Site:
    """A running site; `port` is where browsers go."""

    def __init__(self, subject: Subject, port: int) -> None:
        self.subject = subject
        self.port = port
        self.browser = Browser(port)

    def offloaded(self) -> int:
        """How many requests offload threads have finished."""
        told: Any = stats(self.subject.ports["PORT1"])
        return sum(
            core["offloaded_requests"] for worker in told["workers"] for core in worker["cores"]
        )


def site(start: Starter, front: str, module: str, more: str = "") -> Iterator[Site]:
    """Start the application of sites/ behind a front."""
    files: dict[str, str | bytes] = {p.name: p.read_bytes() for p in SITES.glob("*.*")}
    files |= {"page.bin": PAGE, "static/style.css": STYLE}
    ini = INI.replace("FRONT", FRONTS[front]).replace("MODULE", module) + more
    subject = start(ini, files=files, until=r"^spawned uWSGI worker 2 \(", tracebacks=True)
    if not front.endswith("_pass"):
        yield Site(subject, subject.port)
        return
    unix = front == "uwsgi_pass"
    backend = subject.path("site.sock") if unix else f"127.0.0.1:{subject.port}"
    nginx = Nginx(start.directory(), backend)
    try:
        yield Site(subject, nginx.port)
    finally:
        nginx.close()
