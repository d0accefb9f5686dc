"""Selectors and bells."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from refuwsgi.loop import READ, WRITE
from refuwsgi.waiting import Epoll, Portable, Selector, bell, choose

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["ours", "standard"])
def selector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Selector]:
    if request.param == "standard":
        monkeypatch.delattr("select.epoll", raising=False)
    with contextlib.closing(choose()) as made:
        assert isinstance(made, Epoll if request.param == "ours" else Portable)
        yield made


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


def ready(selector: Selector) -> list[object]:
    return [selector.watched[fd] for fd, _ in selector.poll(0, 9)]


def test_what_is_ready_is_found_with_what_was_registered(selector: Selector, pair: Pair) -> None:
    selector.register(pair[0], READ, "task")
    assert ready(selector) == []
    pair[1].send(b"x")
    assert ready(selector) == ["task"]
    selector.unregister(pair[0])
    assert ready(selector) == []


def test_numbers_and_directions(selector: Selector, pair: Pair) -> None:
    number = pair[0].fileno()
    selector.register(number, WRITE, "writes")
    selector.register(pair[1], READ | WRITE, "both")
    assert sorted(ready(selector), key=str) == ["both", "writes"]


def test_nothing_is_registered_twice(selector: Selector, pair: Pair) -> None:
    selector.register(pair[0], READ)
    with pytest.raises(KeyError):
        selector.register(pair[0], WRITE)
    selector.unregister(pair[0])
    with pytest.raises(KeyError):
        selector.unregister(pair[0])


def test_a_closed_socket_is_forgotten(selector: Selector) -> None:
    one, other = socket.socketpair()
    selector.register(one, READ)
    one.close()
    selector.unregister(one)
    with pytest.raises((KeyError, ValueError)):
        selector.unregister(one)
    with pytest.raises(ValueError):
        selector.register(one, READ)
    other.close()


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_watched_by_its_number(selector: Selector, pair: Pair, closed: bool) -> None:
    number = pair[0].fileno()
    selector.watch(number, READ, "called")
    pair[1].send(b"x")
    assert ready(selector) == ["called"]
    if closed:
        pair[0].close()
        selector.forget(number)
    else:
        selector.unwatch(number)
    assert ready(selector) == []
    selector.register(pair[1], WRITE, "again")
    assert ready(selector) == ["again"]


def test_what_cannot_be_watched_is_not_remembered(selector: Selector, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, contextlib.suppress(OSError):
        selector.watch(file.fileno(), READ, "a file")
        selector.unwatch(file.fileno())  # a selector may say that it is always ready
    assert ready(selector) == []


@pytest.mark.parametrize("kind", ["eventfd", "pipe"])
def test_a_bell(kind: str, selector: Selector, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "pipe":
        monkeypatch.delattr(os, "eventfd", raising=False)
    with contextlib.closing(bell()) as made:
        selector.register(made.descriptor, READ, "rung")
        assert ready(selector) == []
        for _ in range(3):
            made.ring()
        assert ready(selector) == ["rung"]
        made.hush()
        made.hush()
        assert ready(selector) == []


def test_a_bell_can_be_rung_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "eventfd", raising=False)
    with contextlib.closing(bell()) as made:
        for _ in range(100_000):  # more than a pipe holds
            made.ring()
