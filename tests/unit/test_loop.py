"""The loop: tasks, timers, ends, errors."""

import contextlib
import os
import select
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from refuwsgi import loop as loops
from refuwsgi import waiting
from refuwsgi.loop import READ, WRITE, Loop, Wait, readable, sleep, wait, writable
from tests.unit.eventually import run

SELECTORS = [selectors.DefaultSelector, selectors.PollSelector]
if hasattr(select, "epoll"):
    SELECTORS.append(waiting.Epoll)  # type: ignore[arg-type]


@pytest.fixture(params=SELECTORS, ids=lambda kind: kind.__name__)
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    with contextlib.closing(Loop(request.param())) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    for end in (one, other):
        end.setblocking(False)
    yield one, other
    one.close()
    other.close()


Pair = tuple[socket.socket, socket.socket]


def test_a_task_sleeps_until_its_socket_is_readable(loop: Loop, pair: Pair) -> None:
    heard = []

    async def listen() -> None:
        await readable(pair[0])
        heard.append(pair[0].recv(10))

    async def speak() -> None:
        await writable(pair[1])
        pair[1].send(b"hello")

    loop.spawn(listen())
    loop.spawn(speak())
    loop.run()
    assert heard == [b"hello"]
    assert not loop.tasks


def test_a_bare_descriptor_can_be_waited_for(loop: Loop) -> None:
    out, into = os.pipe()
    os.write(into, b"x")

    async def listen() -> None:
        await readable(out, 10)

    loop.spawn(listen())
    loop.run()
    os.close(out)
    os.close(into)


def test_a_wait_that_takes_too_long_is_a_timeout(loop: Loop, pair: Pair) -> None:
    caught = []

    async def listen() -> None:
        try:
            await readable(pair[0], 0.01)
        except TimeoutError as problem:
            caught.append(problem)

    loop.spawn(listen())
    loop.run()
    assert len(caught) == 1


def test_a_shorter_timeout_after_a_longer_one_fires_in_time(loop: Loop, pair: Pair) -> None:
    begun = time.monotonic()

    async def listen() -> None:
        pair[1].send(b"x")
        await readable(pair[0], 1000)
        pair[0].recv(10)
        with contextlib.suppress(TimeoutError):
            await readable(pair[0], 0.02)

    loop.spawn(listen())
    loop.run()
    assert time.monotonic() - begun < 100


def test_a_longer_timeout_after_a_shorter_one_is_not_cut_short(loop: Loop, pair: Pair) -> None:
    heard = []

    async def listen() -> None:
        pair[1].send(b"x")
        await readable(pair[0], 0.05)
        pair[0].recv(10)
        await readable(pair[0], 20)
        heard.append(pair[0].recv(10))

    async def speak() -> None:
        await sleep(0.15)
        pair[1].send(b"y")

    loop.spawn(listen())
    loop.spawn(speak())
    loop.run()
    assert heard == [b"y"]


def test_waiting_again_keeps_the_registration(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.copies, "exist", False)  # as in a process that never forked

    class Counting(selectors.DefaultSelector):
        calls = 0

        def register(self, *args: object) -> selectors.SelectorKey:
            Counting.calls += 1
            return super().register(*args)  # type: ignore[arg-type]

    async def listen() -> None:
        for _ in range(5):
            pair[1].send(b"x")
            await readable(pair[0], 10)  # a new Wait each time, for the same socket
            pair[0].recv(1)

    with contextlib.closing(Loop(Counting())) as loop:
        loop.spawn(listen())
        loop.run()
    assert Counting.calls == 1


def test_several_sockets_and_both_directions_are_told_apart(loop: Loop, pair: Pair) -> None:
    ready = []

    async def both() -> None:
        wanted = Wait(((pair[0], READ | WRITE), (pair[1], READ)), 10)
        ready.append(await wait(wanted))
        pair[0].send(b"x")
        ready.append(await wait(Wait(((pair[1], READ),), 10)))

    loop.spawn(both())
    loop.run()
    assert ready == [[pair[0]], [pair[1]]]


def test_ending_a_task_runs_its_finally(loop: Loop, pair: Pair) -> None:
    log = []

    async def listen() -> None:
        try:
            await readable(pair[0])
        finally:
            log.append("closed")

    task = loop.spawn(listen())

    async def end() -> None:
        loop.end(task)
        await sleep(0)

    loop.spawn(end())
    loop.run()
    assert log == ["closed"]


def test_a_task_that_is_ended_before_its_first_step_never_runs(loop: Loop) -> None:
    log: list[str] = []

    async def late() -> None:
        log.append("ran")

    loop.end(loop.spawn(late()))
    loop.run()
    assert log == []


def test_an_error_ends_its_task_only(loop: Loop, capfd: pytest.CaptureFixture[str]) -> None:
    log = []

    async def bad() -> None:
        await sleep(0)
        raise RuntimeError("oops")

    async def good() -> None:
        await sleep(0.01)
        log.append("done")

    loop.spawn(bad())
    loop.spawn(good())
    loop.run()
    assert log == ["done"]
    shown = capfd.readouterr().err
    assert "bad" in shown
    assert "RuntimeError: oops" in shown


def test_an_error_while_a_task_is_ended_is_logged(
    loop: Loop, capfd: pytest.CaptureFixture[str]
) -> None:
    async def bad() -> None:
        try:
            await sleep(100)
        finally:
            raise RuntimeError("in finally")

    async def end() -> None:
        await sleep(0)
        loop.end(task)

    task = loop.spawn(bad())
    loop.spawn(end())
    loop.run()
    assert "RuntimeError: in finally" in capfd.readouterr().err


def test_a_socket_that_cannot_be_waited_for_is_the_tasks_error(loop: Loop, pair: Pair) -> None:
    caught = []
    pair[0].close()

    async def listen() -> None:
        try:
            await readable(pair[0], 10)
        except ValueError as problem:
            caught.append(problem)
        await sleep(0)

    loop.spawn(listen())
    loop.run()
    assert len(caught) == 1


def test_two_tasks_cannot_wait_for_one_socket(loop: Loop, pair: Pair) -> None:
    heard, caught = [], []

    async def listen() -> None:
        try:
            await readable(pair[0], 10)
            heard.append(pair[0].recv(10))
        except KeyError as problem:
            caught.append(problem)
            pair[1].send(b"x")

    loop.spawn(listen())
    loop.spawn(listen())
    loop.run()
    assert heard == [b"x"]
    assert len(caught) == 1


def test_a_number_is_watched_again_after_its_socket_was_closed(loop: Loop) -> None:
    heard = []

    async def listen() -> None:
        for turn in range(3):
            one, other = socket.socketpair()
            other.send(b"%d" % turn)
            await readable(one, 10)
            heard.append(one.recv(10))
            one.close()
            other.close()

    loop.spawn(listen())
    loop.run()
    assert heard == [b"0", b"1", b"2"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_copy_in_another_process_does_not_confuse_the_loop(loop: Loop) -> None:
    heard = []

    async def listen() -> None:
        one, other = socket.socketpair()
        child = os.fork()  # has a copy of both
        if not child:
            signal.pause()
            os._exit(0)
        try:
            other.send(b"x")
            await readable(one, 10)
            number = one.fileno()
            one.close()  # unread: the copy stays readable
            other.close()
            again, speaker = socket.socketpair()
            assert number in (again.fileno(), speaker.fileno())
            for end in (again, speaker):
                try:
                    await readable(end, 0.02)
                except TimeoutError:
                    heard.append("silence")
            again.close()
            speaker.close()
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    loop.spawn(listen())
    loop.run()
    assert heard == ["silence", "silence"]


def test_stop_ends_the_tasks_that_are_left(loop: Loop, pair: Pair) -> None:
    log = []

    async def forever() -> None:
        try:
            await readable(pair[0])
        finally:
            log.append("closed")

    async def stop() -> None:
        await sleep(0)
        loop.stop()

    loop.spawn(forever())
    loop.spawn(stop())
    loop.run()
    assert log == ["closed"]
    assert not loop.tasks


def test_a_busy_task_does_not_keep_the_others_waiting(loop: Loop, pair: Pair) -> None:
    done: list[bool] = []

    async def busy() -> None:
        while not done:
            await sleep(0)

    async def other() -> None:
        await readable(pair[0], 10)
        done.append(True)

    loop.spawn(busy())
    loop.spawn(other())
    pair[1].send(b"x")
    loop.run()
    assert done


def test_timers_of_ended_tasks_do_not_pile_up(loop: Loop, pair: Pair) -> None:
    async def short() -> None:
        await wait(Wait(((pair[1], WRITE),), 1000))

    async def many() -> None:
        for _ in range(1000):
            loop.spawn(short())
            await sleep(0)
            await sleep(0)

    loop.spawn(many())
    loop.run()
    assert len(loop._timers) < 500


def test_an_exit_goes_through_the_loop(loop: Loop) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    loop.spawn(leave())
    with pytest.raises(SystemExit):
        loop.run()


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    log: list[int] = []

    def sleeper(place: int) -> Callable[[], object]:
        async def one() -> None:
            await sleep(place / 100)
            log.append(place)

        return one

    run(*(sleeper(place)() for place in (3, 1, 2)))  # type: ignore[arg-type]
    assert log == [1, 2, 3]


def test_the_names_of_directions_are_those_of_selectors() -> None:
    assert (loops.READ, loops.WRITE) == (selectors.EVENT_READ, selectors.EVENT_WRITE)
