"""The kept connections of a worker that wait."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from refuwsgi.scaling.cores import Door
from refuwsgi.scaling.parking import TURNS, Parking
from refuwsgi.scoreboard import BUSY, IDLE, CoreRow, Scoreboard


class Plain:
    """As much of a door as parking looks at."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout


LONG, SHORT = cast(Door, Plain(60)), cast(Door, Plain(0))


class Pairs:
    """Clients, and the ends of them that a worker has."""

    def __init__(self) -> None:
        self.clients: dict[int, socket.socket] = {}

    def one(self) -> int:
        client, server = socket.socketpair()
        server.setblocking(False)
        fd = server.detach()
        self.clients[fd] = client
        return fd

    def gone(self, fd: int) -> bool:
        """Whether the worker has closed its end."""
        self.clients[fd].settimeout(20)
        return self.clients[fd].recv(1) == b""


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    made = Pairs()
    yield made
    for fd, client in made.clients.items():
        client.close()
        try:
            os.close(fd)
        except OSError:
            pass  # as most of these cases want it


@pytest.fixture
def parking() -> Parking:
    made = Parking()
    made.fileno()
    return made


def test_who_speaks_is_taken_once(parking: Parking, pairs: Pairs) -> None:
    silent, speaks = pairs.one(), pairs.one()
    for fd in (silent, speaks):
        parking.park(fd, LONG, ("peer", fd))
    assert parking.speaking() is None
    pairs.clients[speaks].send(b"x")
    assert parking.speaking() == (LONG, speaks, ("peer", speaks))
    assert parking.speaking() is None
    assert list(parking.waiting) == [silent]


def test_who_had_spoken_before_it_was_parked_is_not_overlooked(
    parking: Parking, pairs: Pairs
) -> None:
    fd = pairs.one()
    for _ in range(3):  # the second time epoll knows the descriptor
        pairs.clients[fd].send(b"x")
        parking.park(fd, LONG, None)
        assert parking.speaking() == (LONG, fd, None)
        os.read(fd, 10)


def test_the_silent_are_closed_the_oldest_first(parking: Parking, pairs: Pairs) -> None:
    first, second, third = pairs.one(), pairs.one(), pairs.one()
    assert parking.patience() is None
    parking.park(first, SHORT, None)
    parking.park(second, LONG, None)
    parking.park(third, SHORT, None)
    assert cast(float, parking.patience()) < 1
    time.sleep(0.01)
    parking.close_silent()
    assert pairs.gone(first)
    assert list(parking.waiting) == [second, third]
    assert cast(float, parking.patience()) > 50
    assert parking.close_oldest()
    assert pairs.gone(second)


def test_a_worker_that_leaves_takes_who_has_spoken_and_closes_the_rest(
    parking: Parking, pairs: Pairs
) -> None:
    silent, speaks = pairs.one(), pairs.one()
    parking.park(speaks, LONG, None)
    parking.park(silent, LONG, None)
    pairs.clients[speaks].send(b"x")
    assert parking.last_words() == (LONG, speaks, None)
    assert parking.last_words() is None
    assert pairs.gone(silent)
    assert not parking.close_oldest()


def test_what_cannot_be_watched_is_not_parked(parking: Parking, pairs: Pairs) -> None:
    """Otherwise its number would be closed later, when it is another's."""
    fd = pairs.one()
    os.close(fd)
    with pytest.raises(OSError, match="Bad file"):
        parking.park(fd, LONG, None)
    assert not parking.waiting


def test_a_client_comes_back_at_once_pauses_or_goes(parking: Parking, pairs: Pairs) -> None:
    fd = pairs.one()
    assert parking.next(fd, 1) is None  # it pauses
    pairs.clients[fd].send(b"GET")
    assert parking.next(fd, 1) == b"GET"
    pairs.clients[fd].close()
    assert parking.next(fd, 1) == b""


def test_a_client_that_never_rests_is_parked_now_and_then(pairs: Pairs) -> None:
    row = Scoreboard(1, 1).cores[0][0]
    parking = Parking([row])
    fd = pairs.one()
    pairs.clients[fd].send(b"GET")
    row.words[CoreRow.in_request.index] = BUSY
    assert parking.next(fd, TURNS) is None
    row.words[CoreRow.in_request.index] = IDLE  # there is a core for the others
    assert parking.next(fd, TURNS) == b"GET"


def test_two_cores_never_take_the_same_client(parking: Parking, pairs: Pairs) -> None:
    fds = [pairs.one() for _ in range(50)]
    taken: list[Any] = []

    def take() -> None:
        while parking.waiting:
            if (found := parking.speaking()) is not None:
                taken.append(found[1])

    for fd in fds:
        parking.park(fd, LONG, None)
    cores = [threading.Thread(target=take) for _ in range(4)]
    for core in cores:
        core.start()
    for fd in fds:
        pairs.clients[fd].send(b"x")
    for core in cores:
        core.join(20)
    assert sorted(taken) == sorted(fds)
