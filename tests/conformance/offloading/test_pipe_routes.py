"""redis: and memcached: routes: the first bytes by the worker, the rest by the pipe engine."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.harness import WORKER, Client, Starter, covers, free_port, get, request

VALUE = b"0123456789" * 5000


class Store:
    """A server of one key, kept open as redis and memcached keep their connections."""

    def __init__(self, kind: str, value: bytes) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._kind, self._value = kind, value
        self._listener = socket.create_server(("127.0.0.1", int(self.address.partition(":")[2])))
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            asked = sock.recv(4096)
            found = b"there" in asked
            size = len(self._value)
            if self._kind == "redis":
                reply = b"$%d\r\n%s\r\n" % (size, self._value) if found else b"$-1\r\n"
            else:
                reply = b"VALUE there 0 %d\r\n%s\r\n" % (size, self._value) if found else b""
                reply += b"END\r\n"
            try:
                sock.sendall(reply)
                self._done.wait(30)
            except OSError:
                pass

    def close(self) -> None:
        self._done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(30)


@covers("OF-124")
@pytest.mark.parametrize("kind", ["redis", "memcached"])
@pytest.mark.parametrize("threads", [0, 1])
def test_the_value_is_sent_and_nothing_more(
    start: Starter, backend_closer: Callable[[Any], Any], kind: str, threads: int
) -> None:
    """Exactly its bytes, then the connection ends, though the store keeps its side open."""
    store = backend_closer(Store(kind, VALUE))
    subject = start(
        f"""
        http-socket = 127.0.0.1:PORT
        offload-threads = {threads}
        socket-timeout = 2
        module = case_app
        route-run = {kind}:addr={store.address},key=${{PATH_INFO}}
        """,
        until=WORKER,
    )
    with Client(subject.port, request("/there"), limit=15) as client:
        assert client.rest().body == VALUE
    assert get(subject.port, "/hello").text == "hello"


@covers("OF-124")
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_the_next_rule_comes_after_a_hit(
    start: Starter, backend_closer: Callable[[Any], Any], kind: str
) -> None:
    store = backend_closer(Store(kind, b"short"))
    subject = start(
        f"""
        http-socket = 127.0.0.1:PORT
        module = case_app
        route-run = {kind}-continue:addr={store.address},key=${{PATH_INFO}}
        route-run = log:went on with ${{PATH_INFO}}
        route = there break:
        """,
        until=WORKER,
    )
    with Client(subject.port, request("/there"), limit=15) as client:
        assert client.rest().body == b"short"
    subject.wait_for("^went on with /there")
    assert get(subject.port, "/hello").text == "hello"
