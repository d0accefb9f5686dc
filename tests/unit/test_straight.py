"""Sessions that are no tasks: who minds them, and how they become tasks."""

import socket
import time
from collections.abc import Callable

import pytest

from refuwsgi import gateway_straight
from refuwsgi.gateway_straight import Steps, Straight
from refuwsgi.loop import READ, Loop, sleep
from refuwsgi.waiting import copies

Pair = tuple[socket.socket, socket.socket]


class Visit:
    """A session that notes what becomes of it."""

    def __init__(self, straight: Straight, story: list[str], name: str) -> None:
        self.since = time.monotonic()
        self.straight = straight
        self.story = story
        self.name = name

    def patiently(self) -> Steps:
        async def steps() -> None:
            self.story.append(f"{self.name} is a task")

        return steps()

    def task_ended(self) -> None:
        self.story.append(f"{self.name} has ended")
        self.straight.ended()

    def close(self) -> None:
        self.straight.part(self)
        self.story.append(f"{self.name} is closed")


def test_who_waits_too_long_becomes_a_task(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_straight, "PATIENCE", 0.05)
    story: list[str] = []
    straight = Straight(loop)
    straight.sessions, straight.leaving = 1, True
    soon = Visit(straight, story, "one")
    gone = Visit(straight, story, "another")
    straight.wait(gone)
    straight.wait(soon)
    assert straight.part(gone)
    assert not straight.part(gone)
    loop.spawn(sleep(30))
    loop.run()
    assert story == ["one is a task", "one has ended"]


def test_those_that_are_left_are_closed_at_the_end(loop: Loop) -> None:
    story: list[str] = []
    straight = Straight(loop)
    for name in ("one", "two"):
        straight.wait(Visit(straight, story, name))
    straight.end()
    assert story == ["one is closed", "two is closed"]
    straight.end()
    assert len(story) == 2
    loop.spawn(sleep(0), loop.stop)  # so that the one who minds them is ended, too
    loop.run()


@pytest.mark.parametrize("forked", [False, True])
def test_a_watched_socket_that_is_closed_is_heard_no_more(
    loop: Loop, pair: Pair, forked: bool
) -> None:
    """Even if a child of ours has a copy of it."""
    straight = Straight(loop)
    copy = pair[0].dup() if forked else None
    before = copies.exist
    copies.exist = forked
    heard: list[int] = []

    async def stop_soon() -> None:
        await sleep(0.05)
        loop.stop()

    try:
        note: Callable[[int], None] = heard.append
        straight.watch(pair[0].fileno(), READ, note)
        straight.close(pair[0])
        pair[1].send(b"x") if copy else None
        loop.spawn(stop_soon())
        loop.run()
    finally:
        copies.exist = before
        if copy is not None:
            copy.close()
    assert heard == []
    assert pair[0].fileno() == -1
