"""One cache: against a dictionary, against death, between processes."""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refuwsgi.cache import memory, order
from refuwsgi.cache.layout import W_CHANGING, Shape
from refuwsgi.cache.store import Cache, Manners

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

PLAIN = Shape(6, 6, 16, 8, 4, False, False)
BITMAP = Shape(6, 10, 4, 8, 4, True, False)
LRU = Shape(4, 4, 16, 8, 4, False, True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(shape: Shape = PLAIN, **manners: Any) -> Cache:
    return Cache("c", shape, Manners(ignore_full=True, lru=shape.lru, **manners), clock=Clock())


KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"longest-key"[:8]])
VALUES = st.binary(min_size=1, max_size=16)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, VALUES),
        st.tuples(st.just("update"), KEYS, VALUES),
        st.tuples(st.just("delete"), KEYS, st.just(b"")),
        st.tuples(st.just("get"), KEYS, st.just(b"")),
        st.tuples(st.just("clear"), st.just(b""), st.just(b"")),
    ),
    max_size=40,
)


def follow(made: Cache, model: dict[bytes, bytes], steps: Any) -> None:
    for what, key, value in steps:
        if what == "get":
            found = made.look_up(key)
            assert (found.value if found else None) == model.get(key)
            if found:
                model[key] = model.pop(key)  # the last one is the one used last
        elif what == "delete":
            assert made.delete(key) is (model.pop(key, None) is not None)
        elif what == "clear":
            made.clear()
            model.clear()
        else:
            change(made, model, what == "update", key, value)
        assert sorted(made.keys()) == sorted(model)
        assert len(made) == len(model)


def change(made: Cache, model: dict[bytes, bytes], update: bool, key: bytes, value: bytes) -> None:
    done = made.set(key, value, update=update)
    if key in model and not update:
        assert not done
        return
    room = len(model) < made.shape.items - 1 or key in model
    if made.shape.lru and not room:
        del model[next(iter(model))]
        room = True
    if made.shape.bitmap:
        room = done  # free blocks need not lie side by side
    assert done is room
    if done:
        model.pop(key, None)
        model[key] = value


@pytest.mark.parametrize("shape", [PLAIN, BITMAP, LRU])
@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_it_does_what_a_dictionary_does(shape: Shape, steps: Any) -> None:
    follow(cache(shape), {}, steps)


@given(steps=STEPS)
@settings(max_examples=30, deadline=None)
def test_all_blocks_come_back(steps: Any) -> None:
    made = cache(BITMAP)
    follow(made, {}, steps)
    made.clear()
    assert made.set(b"a", b"x" * made.largest)


class Died(BaseException):
    """What happens to a process that is killed, as far as the memory is concerned."""


FILES = (memory.__file__, order.__file__)


def die_at(line: int, work: Callable[[], object]) -> bool:
    """Do it, but die at that line of those that change the memory; say whether that happened."""
    left = [line]

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in FILES:
            return trace if frame.f_code.co_filename.endswith("store.py") else None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                raise Died
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Died:
        return True
    finally:
        sys.settrace(before)
    return False


WORK: dict[str, Callable[[Cache], object]] = {
    "add": lambda made: made.set(b"new", b"value"),
    "replace": lambda made: made.set(b"b", b"other", update=True),
    "grow": lambda made: made.set(b"b", b"other value", update=True),
    "remove": lambda made: made.delete(b"b"),
    "look up": lambda made: made.look_up(b"a"),
    "clear": lambda made: made.clear(),
}
TOUCHED = {"add": b"new", "replace": b"b", "grow": b"b", "remove": b"b"}


@pytest.mark.parametrize("what", WORK)
@pytest.mark.parametrize("shape", [PLAIN._replace(lru=True), BITMAP])
def test_it_stays_whole_wherever_its_holder_dies(shape: Shape, what: str) -> None:
    line = 0
    died = True
    while died:
        line += 1
        made = Cache("c", shape, Manners(ignore_full=True), clock=Clock())
        for key in (b"a", b"b", b"c"):
            assert made.set(key, b"1" + key)
        died = die_at(line, lambda made=made: WORK[what](made))  # type: ignore[misc]
        for key in (b"a", b"b", b"c"):
            found = made.look_up(key)
            if what == "clear":
                assert found is None or found.value == b"1" + key
            elif key != TOUCHED.get(what):
                assert found is not None
                assert found.value == b"1" + key
            elif found is not None:
                assert found.value in (b"1" + key, b"other", b"other value")
        assert all(made.delete(key) for key in made.keys())  # noqa: SIM118
        assert made.set(b"a", b"x" * made.largest)
        made.clear()
        assert all(made.set(b"%d" % n, b"x") for n in range(shape.items - 1))
    assert line > 5


def in_child(work: Callable[[], object]) -> int:
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def test_processes_count_together() -> None:
    made = Cache("c", PLAIN)

    def count() -> None:
        for _ in range(200):
            made.reckon(b"n", lambda number: number + 1)

    children = [in_child(count) for _ in range(3)]
    for pid in children:
        os.waitpid(pid, 0)
    assert made.number(b"n") == 600


def test_a_holder_may_be_killed() -> None:
    made = Cache("c", PLAIN)
    made.set(b"a", b"1")
    out, into = os.pipe()

    def hold() -> None:
        with made._lock:
            made._memory.words[W_CHANGING] = 1
            os.write(into, b"x")
            time.sleep(60)

    pid = in_child(hold)
    assert os.read(out, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(out)
    os.close(into)
    assert made.look_up(b"a") is not None
    assert made.set(b"b", b"2")
