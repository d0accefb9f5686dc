"""The loop: how tasks end, and what goes wrong in them."""

import contextlib
import os
import select
import signal
import socket

import pytest

from refuwsgi.loop import READ, Loop, Wait, readable, sleep, wait
from refuwsgi.waiting import END

Pair = tuple[socket.socket, socket.socket]


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


def test_an_exit_goes_through_the_loop(loop: Loop) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    loop.spawn(leave())
    with pytest.raises(SystemExit):
        loop.run()


def test_what_is_called_after_a_task_is_called_however_it_ended(
    loop: Loop, capfd: pytest.CaptureFixture[str]
) -> None:
    called = []

    async def fail() -> None:
        raise RuntimeError

    async def never() -> None:
        called.append("stepped")

    loop.spawn(sleep(0), lambda: called.append("returned"))
    loop.spawn(fail(), lambda: called.append("failed"))
    loop.end(loop.spawn(never(), lambda: called.append("ended")))
    loop.run()
    assert sorted(called) == ["ended", "failed", "returned"]


def test_a_wait_that_fails_in_the_middle_leaves_nothing_behind(loop: Loop, pair: Pair) -> None:
    heard = []

    async def listen() -> None:
        with contextlib.suppress(ValueError):
            await wait(Wait(((pair[0], READ), (-1, READ))))
        pair[1].send(b"x")
        await readable(pair[0], 10)  # it is not watched already
        heard.append(pair[0].recv(10))

    loop.spawn(listen())
    loop.run()
    assert heard == [b"x"]


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="the kernel does not tell")
def test_who_asks_hears_of_the_end_before_reading_it(pair: Pair) -> None:
    loop = Loop()
    heard: list[object] = []

    async def listen() -> None:
        wanted = Wait(((pair[0], READ | END),), 10)
        heard.append(await wait(wanted))
        pair[0].recv(10)
        pair[1].send(b"that was all")
        pair[1].close()
        heard.append(await wait(wanted))

    pair[1].send(b"more will come")
    loop.spawn(listen())
    loop.run()
    loop.close()
    assert heard == [[pair[0]], [pair[0], (pair[0], END)]]


def test_where_the_kernel_does_not_tell_of_ends_they_are_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "epoll", raising=False)
    loop = Loop()
    heard: list[object] = []

    async def listen() -> None:
        heard.append(await wait(Wait(((pair[0], READ | END),), 10)))

    pair[1].close()
    loop.spawn(listen())
    loop.run()
    loop.close()
    assert heard == [[pair[0]]]
