"""A client and a core for one request, without a server around them."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from refuwsgi.request import EMPTY, Body, Request, SizedBody
from refuwsgi.scoreboard import Scoreboard
from refuwsgi.wsgi import serving

BOARD = Scoreboard(1, 1)
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": "/x",
    "PATH_INFO": "/x",
    "QUERY_STRING": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SCRIPT_NAME": "",
    "SERVER_NAME": "here",
    "SERVER_PORT": "80",
    "REMOTE_ADDR": "127.0.0.1",
}


class Stand:
    """Both ends of a connection; the client reads when the request is over."""

    def __init__(self, body: bytes | Body = b"", *, timeout: float = 10, **given: Any) -> None:
        self.client, self.server = socket.socketpair()
        self.client.settimeout(10)
        self.server.setblocking(False)
        environ: dict[str, Any] = {**ENVIRON, **given}
        if isinstance(body, bytes) and body:
            environ["CONTENT_LENGTH"] = str(len(body))
            body = SizedBody(self.server.fileno(), body, len(body), timeout)
        self.request = Request(
            self.server.fileno(), environ, BOARD.cores[0][0], body or EMPTY, timeout=timeout
        )
        self.request.keep = True
        self.got = b""

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.server.close()

    def received(self) -> bytes:
        """All that the client got."""
        self.server.shutdown(socket.SHUT_WR)
        parts = []
        while part := self.client.recv(1 << 20):
            parts.append(part)
        return b"".join(parts)


def answer_to(application: Any, **given: Any) -> tuple[bytes, Request]:
    """Let an application answer a GET, and return what the client got."""
    with Stand(**given) as stand:
        serving.run(application, stand.request)
        return stand.received(), stand.request


def app(status: str, headers: list[tuple[str, str]], body: Iterable[bytes] | bytes) -> Any:
    """An application that answers this."""

    def application(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return body

    return application
