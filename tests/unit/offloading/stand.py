"""A request over a socket pair, and a client that reads the answer."""

from __future__ import annotations

import array
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from refuwsgi.offloading import (
    mime,
    static_answer,
    static_expires,
    static_files,
    static_ranges,
    static_twins,
    threads,
)
from refuwsgi.offloading.one_thread import Limits
from refuwsgi.offloading.threads import OffloadThreads
from refuwsgi.options import Config, Option, Setting, build
from refuwsgi.request import Request
from refuwsgi.scoreboard import MAX_SHOWN, CoreRow

PATIENCE = 20.0  # seconds; a test that waits so long has failed


def core_row() -> CoreRow:
    words = array.array("Q", bytes(8 * CoreRow.SIZE))
    return CoreRow(memoryview(words), memoryview(bytearray(MAX_SHOWN)))


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def parse(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = [line.partition(": ") for line in lines]
    return Answer(status, [(name, value) for name, _, value in fields], body)


def read_all(client: socket.socket) -> bytes:
    client.settimeout(PATIENCE)
    parts = []
    while part := client.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def request_of(
    environ: dict[str, Any] | None = None, *, core: CoreRow | None = None, timeout: float = 4.0
) -> Iterator[tuple[Request, socket.socket]]:
    """A request, and the client's end of its connection."""
    client, server = socket.socketpair()
    server.setblocking(False)
    given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_PROTOCOL": "HTTP/1.1"}
    request = Request(
        server.detach(), {**given, **(environ or {})}, core or core_row(), timeout=timeout
    )
    try:
        with client:
            yield request, client
    finally:
        close(request)


def close(request: Request) -> None:
    """What a core does with a request that was not given away."""
    if request.fd >= 0:
        os.close(request.fd)
        request.fd = -1


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


MODULES = (mime, static_answer, static_expires, static_files, static_ranges, static_twins, threads)


def config_of(**values: str | list[str] | bool) -> Config:
    """A configuration of this package's options, as if a file had set them."""
    settings = [
        Setting(name.replace("_", "-"), str(one).lower() if isinstance(one, bool) else one, "test")
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    mine = [each for module in MODULES for each in vars(module).values()]
    return build(settings, {each: None for each in mine if isinstance(each, Option)})


CHANGED = 1795302016
DATE = "Sat, 21 Nov 2026 23:00:16 GMT"


def make(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (CHANGED, CHANGED))


@contextmanager
def started(count: int, limits: Limits | None = None, worker: int = 1) -> Iterator[OffloadThreads]:
    threads = OffloadThreads(count, worker, limits)
    threads.start()
    try:
        yield threads
    finally:
        assert threads.drain(PATIENCE)
