"""What tests of the machine's floor share."""

import contextlib
import select
import selectors
import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from refuwsgi import api, waiting
from refuwsgi.loop import Loop

SELECTORS: dict[str, Callable[[], waiting.Selector]] = {
    "default": waiting.Portable,
    "poll": lambda: waiting.Portable(selectors.PollSelector()),
}
if hasattr(select, "epoll"):
    SELECTORS["epoll"] = waiting.Epoll

# How long an example takes says nothing on a machine that has other things to do.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _module_uwsgi() -> Iterator[None]:
    """Take back what a test has provided to applications, so that no other test finds it."""
    before = dict(vars(api.module))
    yield
    vars(api.module).clear()
    vars(api.module).update(before)


@pytest.fixture(params=SELECTORS)
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    """Make a loop, with each selector that there is."""
    with contextlib.closing(Loop(SELECTORS[request.param]())) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Make two connected sockets that do not block."""
    one, other = socket.socketpair()
    for end in (one, other):
        end.setblocking(False)
    yield one, other
    one.close()
    other.close()
