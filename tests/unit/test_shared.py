"""Memory and locks between processes."""

import contextlib
import errno
import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from refuwsgi.shared import Lock, words
from tests.unit.eventually import until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

TURNS = 300


@pytest.fixture
def lock() -> Iterator[Lock]:
    with contextlib.closing(Lock()) as made:
        yield made


def forked(work: Callable[[], object]) -> int:
    """Do something in another process, and end it without its parent's farewells."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def reap(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_words_begin_at_nothing_and_hold_64_bits() -> None:
    cells = words(3)
    assert list(cells) == [0, 0, 0]
    cells[1] = 2**64 - 1
    assert list(cells) == [0, 2**64 - 1, 0]


def test_words_are_seen_by_forked_processes() -> None:
    cells = words(2)

    def write() -> None:
        cells[1] = 42

    assert reap(forked(write)) == 0
    assert list(cells) == [0, 42]


def add(cells: memoryview, lock: Lock) -> None:
    """Count in a way that loses counts if two do it at once."""
    for _ in range(TURNS):
        with lock:
            before = cells[0]
            os.sched_yield()
            cells[0] = before + 1


def test_a_lock_keeps_processes_apart(lock: Lock) -> None:
    cells = words(1)
    children = [forked(lambda: add(cells, lock)) for _ in range(3)]
    add(cells, lock)
    assert [reap(pid) for pid in children] == [0, 0, 0]
    assert cells[0] == 4 * TURNS


def test_a_lock_keeps_threads_apart(lock: Lock) -> None:
    cells = words(1)
    threads = [threading.Thread(target=add, args=(cells, lock)) for _ in range(3)]
    for thread in threads:
        thread.start()
    child = forked(lambda: add(cells, lock))
    for thread in threads:
        thread.join()
    assert reap(child) == 0
    assert cells[0] == 4 * TURNS


def test_a_holder_that_is_killed_lets_go(lock: Lock) -> None:
    cells = words(1)

    def hold() -> None:
        with lock:
            cells[0] = 1
            signal.pause()

    child = forked(hold)
    until(lambda: cells[0])
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    waiting = threading.Thread(target=take)
    waiting.start()
    assert not taken.wait(0.05)
    os.kill(child, signal.SIGKILL)
    assert reap(child) == -signal.SIGKILL
    assert taken.wait(20)
    waiting.join()


def test_a_child_is_not_held_up_by_a_thread_of_its_parent(lock: Lock) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            begun.set()
            let_go.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait(20)
    cells = words(1)

    def take() -> None:
        cells[0] = 1
        with lock:
            cells[0] = 2

    child = forked(take)
    until(lambda: cells[0])
    let_go.set()
    holder.join()
    assert reap(child) == 0
    assert cells[0] == 2


def test_an_error_inside_lets_go(lock: Lock) -> None:
    with pytest.raises(ZeroDivisionError), lock:
        1 / 0  # noqa: B018
    with lock:
        pass


def test_two_locks_do_not_disturb_each_other(lock: Lock) -> None:
    with contextlib.closing(Lock()) as other:
        cells = words(1)

        def take() -> None:
            with other:
                cells[0] = 1

        with lock:
            assert reap(forked(take)) == 0
        assert cells[0] == 1


def test_a_circle_that_the_kernel_only_imagines_is_tried_again(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.lockf
    failures = [OSError(errno.EDEADLK, "Resource deadlock avoided")]

    def lockf(fd: int, what: int) -> None:
        if failures:
            raise failures.pop()
        real(fd, what)

    monkeypatch.setattr("refuwsgi.shared.fcntl.lockf", lockf)
    with lock:
        assert not failures


def test_a_lock_gives_its_descriptor_back() -> None:
    closed, dropped = Lock(), Lock()
    numbers = closed._file, dropped._file
    closed.close()
    closed.close()
    del dropped
    for number in numbers:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_without_memfd_a_file_without_a_name_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with contextlib.closing(Lock()) as lock, lock:
        pass
