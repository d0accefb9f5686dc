"""The mailbox, through which threads hand things to a task."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator

import pytest

from refuwsgi.loop import Loop, sleep
from refuwsgi.mailbox import Mailbox
from tests.unit.eventually import run, until

THREADS = 4
ITEMS = 2000


@pytest.fixture(params=["eventfd", "pipe"])
def box(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox[int]]:
    if request.param == "pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    with contextlib.closing(Mailbox[int]()) as made:
        yield made


def test_what_was_put_comes_out_in_order(box: Mailbox[int]) -> None:
    async def get() -> list[int]:
        return [await box.get() for _ in range(3)]

    for item in range(3):
        box.put(item)
    assert run(get()) == [[0, 1, 2]]
    assert len(box) == 0


def test_nothing_is_lost_between_threads(box: Mailbox[int]) -> None:
    found: list[int] = []

    async def get() -> None:
        while len(found) < THREADS * ITEMS:
            found.append(await box.get())

    def put(start: int) -> None:
        for item in range(start, start + ITEMS):
            box.put(item)
            if item % 97 == 0:
                time.sleep(0)  # let the task fall asleep between two of them

    threads = [threading.Thread(target=put, args=(n * ITEMS,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    run(get())
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(THREADS * ITEMS))


def test_one_at_a_time_wakes_the_task_each_time(box: Mailbox[int]) -> None:
    taken: list[int] = []

    async def get() -> None:
        for _ in range(200):
            taken.append(await box.get())

    def put() -> None:
        for item in range(200):
            box.put(item)
            until(lambda item=item: len(taken) > item)  # type: ignore[misc]

    thread = threading.Thread(target=put)
    thread.start()
    run(get())
    thread.join()
    assert taken == list(range(200))


def test_a_batch_rings_once(box: Mailbox[int], monkeypatch: pytest.MonkeyPatch) -> None:
    rung = []
    ring = box._bell.ring

    def counted() -> None:
        rung.append(1)
        ring()

    monkeypatch.setattr(box._bell, "ring", counted)

    async def get() -> None:
        for _ in range(100):
            await box.get()

    async def put() -> None:
        await sleep(0)
        for item in range(100):
            box.put(item)

    run(get(), put())
    assert len(rung) == 1


def test_a_mailbox_can_be_left_alone(box: Mailbox[int]) -> None:
    loop = Loop()

    async def get() -> None:
        await box.get()

    async def leave() -> None:
        await sleep(0)
        loop.stop()

    loop.spawn(get())
    loop.spawn(leave())
    loop.run()
    loop.close()
    assert not loop.tasks
