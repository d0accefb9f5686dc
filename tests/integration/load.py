"""A bounded load: clients that ask one thing after the other and keep what went wrong."""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

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


class Load:
    """Clients in threads, for as long as a with statement lasts."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.done = 0
        self.failures: list[str] = []
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(call,)) for call in calls]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        self.wait_more(len(self._threads))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_more(self, count: int) -> None:
        """Wait until so many more requests have been answered."""
        wanted = self.done + count
        eventually(lambda: self.done >= wanted, f"{count} more requests answered")

    def _run(self, call: Call) -> None:
        while not self._enough.is_set():
            try:
                call()
            except (OSError, AssertionError) as problem:
                with self._lock:
                    self.failures.append(f"{type(problem).__name__}: {problem}"[:300])
            else:
                with self._lock:
                    self.done += 1
            time.sleep(PAUSE)
