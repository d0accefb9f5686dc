"""The loop: tasks, waits, timers."""

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable

import pytest

from refuwsgi import loop as loops
from refuwsgi import waiting
from refuwsgi.loop import READ, WRITE, Loop, Wait, readable, sleep, wait, writable
from tests.unit.eventually import run

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

    with contextlib.closing(Loop(waiting.Portable(Counting()))) as loop:
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


def test_a_call_is_made_whenever_its_socket_is_ready(loop: Loop, pair: Pair) -> None:
    heard = []

    def call(events: int) -> None:
        heard.append(pair[0].recv(1))
        if len(heard) == 2:
            loop.unwatch(pair[0].fileno())
            loop.stop()

    async def live() -> None:
        await sleep(30)

    loop.watch(pair[0].fileno(), READ, call)
    pair[1].send(b"abc")
    loop.spawn(live())
    loop.run()
    assert heard == [b"a", b"b"]


def test_a_call_that_fails_is_told_and_hurts_nobody(
    loop: Loop, pair: Pair, capfd: pytest.CaptureFixture[str]
) -> None:
    def call(events: int) -> None:
        loop.unwatch(pair[0].fileno())
        raise RuntimeError("as wanted")

    async def listen() -> None:
        await readable(pair[1])
        heard.append(pair[1].recv(9))

    heard: list[bytes] = []
    loop.watch(pair[0].fileno(), READ, call)
    pair[0].send(b"still here")
    pair[1].send(b"x")
    loop.spawn(listen())
    loop.run()
    assert heard == [b"still her"]
    assert "RuntimeError: as wanted" in capfd.readouterr().err
