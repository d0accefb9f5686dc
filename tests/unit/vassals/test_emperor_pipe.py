import socket
from collections.abc import Iterator

import pytest

from refuwsgi.vassals import emperor_pipe
from refuwsgi.vassals.emperor_pipe import EmperorPipe, Order, attached


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    pair[0].settimeout(10)
    yield pair
    for end in pair:
        end.close()


def test_a_vassal_says_one_byte_for_each_event(ends: tuple[socket.socket, socket.socket]) -> None:
    pipe = EmperorPipe(ends[1].fileno())
    pipe.spawned()
    pipe.accepting()
    assert pipe.loyal()
    assert not pipe.loyal()
    pipe.beat()
    pipe.goodbye()
    assert ends[0].recv(64) == bytes((1, 5, 17, 26, 22))


@pytest.mark.parametrize(
    ("byte", "order"),
    [(0, Order.STOP), (1, Order.RELOAD), (2, Order.GRACEFUL), (77, Order.NOTHING)],
)
def test_an_order_is_one_byte(
    ends: tuple[socket.socket, socket.socket], byte: int, order: Order
) -> None:
    ends[0].send(bytes((byte,)))
    assert EmperorPipe(ends[1].fileno()).receive() is order


def test_the_end_of_the_pipe_is_the_end_of_the_emperor(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    pipe = EmperorPipe(ends[1].fileno())
    ends[1].setblocking(False)
    assert pipe.receive() is Order.NOTHING
    ends[0].close()
    assert pipe.receive() is Order.LOST
    pipe.spawned()  # nobody hears it, and that is no error


def test_the_pipe_is_found_by_its_number(ends: tuple[socket.socket, socket.socket]) -> None:
    number = ends[1].fileno()
    found = attached({"UWSGI_EMPEROR_FD": str(number)})
    assert found is not None
    assert found.fileno() == number


@pytest.mark.parametrize("value", [None, "", "x", "-1", "999999", "9" * 30])
def test_without_a_pipe_there_is_no_emperor(value: str | None) -> None:
    assert attached({} if value is None else {"UWSGI_EMPEROR_FD": value}) is None


def test_the_heartbeat_option() -> None:
    from refuwsgi.options import config_of

    assert emperor_pipe.period(config_of(heartbeat="7")) == 7
    assert emperor_pipe.period(config_of()) == 0
