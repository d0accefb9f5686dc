"""Long answers of nodes whose requests were plain: what happens in the middle of them."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from refuwsgi.gateway_plain import PlainErrand
from refuwsgi.gateway_rules import Asked, Rules
from refuwsgi.gateway_stores import BULK
from refuwsgi.gateway_straight import NODE_SPEAKS, Straight
from refuwsgi.loop import Loop, sleep
from tests.unit.eventually import until as eventually

PIECE = os.urandom(100_000)


class Stand:
    """A client, a node, and an errand between them of which `BULK` bytes were passed on."""

    def __init__(self, loop: Loop) -> None:
        self.said: list[str] = []
        self.loop = loop
        self.straight = Straight(loop)
        self.straight.sessions = 1
        self.straight.leaving = True  # so that the loop ends with the errand
        self.client, ours = socket.socketpair()
        theirs, self.node = socket.socketpair()
        theirs.setblocking(False)
        self.client.settimeout(20)
        self.node.settimeout(20)

        class Ours(PlainErrand):
            __slots__ = ()
            rules = Rules("r", lambda block: Asked(b"key"), None, 5.0, self.said.append)
            ended = None

        self.errand = errand = Ours()
        errand.straight, errand.since, errand.asked = self.straight, 0.0, Asked(b"key")
        errand.client = ours.detach()
        errand.handle = socket.SocketType(socket.AF_UNIX, socket.SOCK_STREAM, 0, errand.client)
        errand.node, errand.fd = theirs, theirs.fileno()
        target: Any = type("Target", (), {"address": "/node"})
        errand.target, errand.given, errand.sent, errand.received = target, False, 10, BULK
        self.straight.calls[errand.fd] = errand.node_speaks
        self.straight.add(errand.fd, NODE_SPEAKS)
        self.straight.waiting[errand] = None

    def run(self) -> None:
        """Let the loop turn until the errand is over."""
        self.loop.spawn(sleep(20))
        self.loop.run()
        assert self.straight.sessions == 0
        assert not self.straight.waiting


@pytest.fixture
def stand(loop: Loop) -> Iterator[Stand]:
    made = Stand(loop)
    yield made
    made.errand.handle.detach()  # the errand has closed its number
    made.client.close()
    made.node.close()


def test_it_is_passed_on_to_its_end(stand: Stand) -> None:
    stand.node.sendall(PIECE)
    stand.node.close()
    stand.run()
    assert stand.client.recv(len(PIECE), socket.MSG_WAITALL) == PIECE
    assert stand.client.recv(1) == b""
    assert stand.errand.received == BULK + len(PIECE)
    assert stand.said == []


def test_a_task_waits_for_a_client_that_does_not_take_it(stand: Stand) -> None:
    def speak() -> None:
        for _ in range(20):
            stand.node.sendall(PIECE)
        stand.node.close()

    found = bytearray()

    def read() -> None:
        eventually(lambda: not stand.straight.waiting)  # the errand has become a task
        while part := stand.client.recv(65536):
            found.extend(part)

    threads = [threading.Thread(target=each, daemon=True) for each in (speak, read)]
    for thread in threads:
        thread.start()
    stand.run()
    for thread in threads:
        thread.join(20)
    assert bytes(found) == PIECE * 20
    assert stand.said == []


def test_a_node_that_breaks_is_told(stand: Stand) -> None:
    stand.errand.node.send(b"a request that it does not read")
    stand.node.sendall(PIECE)
    stand.node.close()
    stand.run()
    (line,) = stand.said
    assert "fr_instance_read(): Connection reset by peer node: /node" in line
    assert stand.client.recv(len(PIECE), socket.MSG_WAITALL) == PIECE


def test_a_client_that_has_gone_ends_it(stand: Stand) -> None:
    stand.client.close()
    stand.node.sendall(PIECE)
    stand.run()
    with pytest.raises(BrokenPipeError):
        stand.node.sendall(b"more")
    assert stand.said == []


def test_nothing_may_have_come(stand: Stand) -> None:
    stand.errand.node_speaks(0)
    assert stand.errand in stand.straight.waiting
    stand.node.close()
    stand.run()
    assert stand.client.recv(1) == b""
