"""Reload after reload while clients ask through the HTTP router: not one of them notices."""

import signal
import threading

import pytest

from tests.conformance.harness import Starter, Subject, exchange, request

RELOADS = 5
CLIENTS = 4
SITE = """
http = 127.0.0.1:PORT
master = true
processes = 2
threads = 2
module = case_app
disable-logging = true
"""


class Clients:
    """Clients that ask again and again; what went wrong is kept."""

    def __init__(self, subject: Subject) -> None:
        self.wrong: list[str] = []
        self.served = 0
        self._port = subject.port
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)
        ]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        body = f"client {number}".encode() * 1000
        while not self._stop.is_set():
            try:
                answer = exchange(self._port, request("/echo", "POST", (), body))
            except (OSError, AssertionError) as problem:
                self.wrong.append(repr(problem))
                continue
            if answer.body != body:
                self.wrong.append(repr(answer))
            self.served += 1


@pytest.mark.parametrize("routers", [1, 2])
def test_no_request_is_lost(start: Starter, routers: int) -> None:
    last = rf"^spawned uWSGI http {routers} \(pid"
    subject = start(SITE + f"http-processes = {routers}\n", until=last)
    with Clients(subject) as clients:
        for _ in range(RELOADS if routers == 1 else 2):
            since = len(subject.log)
            subject.signal(signal.SIGHUP)
            subject.wait_for(last, since=since)
    assert clients.wrong == []
    assert clients.served > RELOADS
