"""A bounded load: clients that ask one thing after the other and keep what went wrong."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from tests.conformance.harness import ask, eventually, exchange, request

Call = Callable[[], None]
PAUSE = 0.005  # the point is what happens beside the load, not how much the machine can take
BODY = "x" * 3000


def http(address: str | int) -> Call:
    """A request over HTTP whose answer must be whole."""
    data = request("/bytes/3000")

    def call() -> None:
        answer = exchange(address, data)
        assert (answer.status, answer.text, answer.end) == (200, BODY, "closed"), answer

    return call


def uwsgi(address: str) -> Call:
    """A request over the uwsgi protocol whose answer must be whole."""

    def call() -> None:
        answer = ask(address, "/bytes/3000")
        assert (answer.status, answer.text, answer.end) == (200, BODY, "closed"), answer

    return call


class Clients:
    """Threads that take one turn after the other, for as long as a with statement lasts."""

    def __init__(self, turns: Sequence[Call], pause: float) -> None:
        self.enough = threading.Event()
        self.lock = threading.Lock()
        self._pause = pause
        self._threads = [threading.Thread(target=self._run, args=(turn,)) for turn in turns]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.enough.set()
        for thread in self._threads:
            thread.join()

    def _run(self, turn: Call) -> None:
        while not self.enough.is_set():
            turn()
            time.sleep(self._pause)


class Load(Clients):
    """Clients that each ask one thing; what went wrong is kept."""

    def __init__(self, calls: Sequence[Call]) -> None:
        super().__init__([partial(self._ask, call) for call in calls], PAUSE)
        self.done = 0
        self.failures: list[str] = []
        self._clients = len(calls)

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_more(self._clients)
        return self

    def wait_more(self, count: int) -> None:
        """Wait until so many more requests have been answered."""
        wanted = self.done + count
        eventually(lambda: self.done >= wanted, f"{count} more requests answered")

    def _ask(self, call: Call) -> None:
        try:
            call()
        except (OSError, AssertionError) as problem:
            with self.lock:
                self.failures.append(f"{type(problem).__name__}: {problem}"[:300])
        else:
            with self.lock:
                self.done += 1
