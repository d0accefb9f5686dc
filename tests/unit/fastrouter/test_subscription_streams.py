"""How announcements are taken from a socket: one by one, or as a stream."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refuwsgi import log
from refuwsgi.fastrouter import hearing
from refuwsgi.fastrouter import subscription_streams as streams
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscribed import NOBODY, Sender
from refuwsgi.fastrouter.subscription_streams import Ear
from refuwsgi.fastrouter.way4_subscription_server import Receiver, Source, Subscriptions
from refuwsgi.gateway_rules import Asked
from refuwsgi.loop import Wait
from refuwsgi.protocol.subscription import Announcement, encode


class Stage:
    """A socket, who sends to it, and an ear that is led by hand."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        self.server, self.client = server, client
        self.lines: list[str] = []
        self.table = Table(self.lines.append)
        self.seen: list[tuple[Source, Sender]] = []
        self.ear = Ear(server, self.table, self._take, inside=False)
        self._receiver = Receiver(self.table)
        self._steps = self.ear.listen()
        self.waits: Wait = self._steps.send(None)

    def _take(
        self, datagram: bytes, inside: bool, sender: Sender, source: Source, now: float
    ) -> None:
        self.seen.append((source, sender))
        self._receiver.take(datagram, inside, sender, source, now)

    def announce(self, *keys: bytes) -> None:
        for key in keys:
            self.client.send(encode(Announcement(key, b"127.0.0.1:80", unix=1_700_000_000)))

    def wake(self) -> None:
        """Let the ear take its next step: the socket is ready, or its rest is over."""
        self.waits = self._steps.send([self.server] if self.waits.interests else [])


KIND = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK


@pytest.fixture
def udp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage on which whatever follows is a stream."""
    monkeypatch.setattr(streams, "STREAM", 1000)
    with socket.socket(type=KIND) as server, socket.socket(type=KIND) as client:
        server.bind(("127.0.0.1", 0))
        client.connect(server.getsockname())
        yield Stage(server, client)


def test_a_single_announcement_is_heard_at_once(udp: Stage) -> None:
    udp.announce(b"a")
    udp.wake()
    assert list(udp.table.slots) == [b"a"]
    assert udp.waits.interests
    assert not udp.table.streams


def test_between_the_looks_of_a_stream_the_ear_rests(udp: Stage) -> None:
    for keys in ((b"a",), (b"b", b"c")):
        udp.announce(*keys)
        udp.wake()
    assert list(udp.table.slots) == [b"a", b"b", b"c"]
    assert udp.waits == Wait((), streams.PAUSE)
    udp.announce(b"d")
    udp.wake()
    assert b"d" in udp.table.slots
    assert udp.waits == Wait((), streams.PAUSE)
    udp.wake()  # nothing has gathered: the stream is over
    assert udp.waits.interests
    assert not udp.table.streams


def test_a_request_hears_first_what_has_gathered(udp: Stage) -> None:
    for key in (b"a", b"b"):
        udp.announce(key)
        udp.wake()
    udp.announce(*(b"c%d" % number for number in range(2 * streams.BURST)))
    assert len(udp.table.slots) == 2
    node = udp.table.choose(Asked(b"c%d" % (2 * streams.BURST - 1)), 0.0)
    assert node is not None
    assert len(udp.table.slots) == 2 + 2 * streams.BURST


def test_a_request_below_a_mountpoint_hears_first_what_has_gathered(udp: Stage) -> None:
    chooser = Subscriptions(udp.table, 2)
    for key in (b"a", b"b"):
        udp.announce(key)
        udp.wake()
    udp.announce(b"a/app")
    node = chooser.choose(Asked(b"a", path=b"/app/page"), time.monotonic())
    assert node is not None
    assert node.key == b"a/app"
    chooser.ended(node, 1, 2)
    assert (node.running, node.received, node.sent) == (0, 1, 2)


def test_a_request_that_would_be_refused_hears_first_who_is_new(udp: Stage) -> None:
    assert udp.table.choose(Asked(b"a"), 0.0) is None
    udp.announce(b"a")
    assert udp.table.choose(Asked(b"a"), 0.0) is not None
    udp.announce(b"b")
    assert udp.table.choose(Asked(b"a"), 0.0) is not None
    assert b"b" not in udp.table.slots  # nothing was in doubt


def test_an_ear_that_is_ended_while_it_rests_leaves_nothing_behind(udp: Stage) -> None:
    for key in (b"a", b"b"):
        udp.announce(key)
        udp.wake()
    assert udp.table.streams
    udp._steps.close()
    assert not udp.table.streams
    assert not udp.table.ears


def test_others_get_their_turn_before_a_long_burst_ends(udp: Stage) -> None:
    udp.announce(*(b"%d" % number for number in range(2 * streams.BURST + 9)))
    for heard, waits in (
        (streams.BURST, Wait((), 0.0)),  # there may be more: this is no time to rest
        (2 * streams.BURST, Wait((), 0.0)),
        (2 * streams.BURST + 9, Wait((), streams.PAUSE)),
    ):
        udp.wake()
        assert len(udp.table.slots) == heard
        assert udp.waits == waits


def test_an_ear_may_be_told_not_to_rest(udp: Stage) -> None:
    udp.ear.rests = False
    for key in (b"a", b"b", b"c"):
        udp.announce(key)
        udp.wake()
        assert udp.waits.interests


def test_the_lines_of_one_look_are_said_together(udp: Stage) -> None:
    said: list[list[str]] = []
    udp.ear.say_all = lambda lines: said.append(list(lines))
    udp.announce(b"a", b"b")
    udp.wake()
    udp.announce(b"a", b"b")
    udp.wake()
    assert not udp.lines
    (lines,) = said
    assert [line.partition("] ")[2] for line in lines] == [
        "new pool: a (hash key: 46534)",
        "a => new node: 127.0.0.1:80",
        "new pool: b (hash key: 46537)",
        "b => new node: 127.0.0.1:80",
    ]
    udp.table.withdraw(b"a", "127.0.0.1:80")  # and what is said beside them is not kept
    assert len(udp.lines) == 1


def test_what_was_said_before_an_error_is_not_lost(
    udp: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    udp.ear.say_all = said.extend
    monkeypatch.setattr(udp.ear, "_take", lambda *_: udp.table.say("so far") or 1 / 0)
    udp.announce(b"a")
    with pytest.raises(ZeroDivisionError):
        udp.wake()
    assert said == ["so far"]


class Refused(socket.socket):
    """A socket that has an error to tell before it gives anything."""

    told = False

    def recvfrom(self, *words: Any) -> Any:
        if not self.told:
            self.told = True
            raise ConnectionRefusedError
        return super().recvfrom(*words)


def test_an_error_of_the_socket_is_passed_over() -> None:
    with Refused(type=KIND) as server, socket.socket(type=KIND) as client:
        server.bind(("127.0.0.1", 0))
        client.connect(server.getsockname())
        made = Stage(server, client)
        made.announce(b"a")
        made.wake()
        assert server.told
        assert list(made.table.slots) == [b"a"]


@pytest.mark.parametrize("asked", [False, True])
def test_the_kernel_tells_who_sends_when_it_is_asked(asked: bool, tmp_path: Path) -> None:
    path = str(tmp_path / "server")
    with socket.socket(socket.AF_UNIX, KIND) as server:
        server.bind(path)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, int(asked))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.connect(path)
            told = Stage(server, client)
            told.announce(b"a")
            told.wake()
    (((_, sender)),) = told.seen
    assert sender == (Sender(os.getpid(), os.getuid(), os.getgid()) if asked else NOBODY)
    assert not told.ear.rests


def test_only_a_file_takes_several_lines_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    with (tmp_path / "log").open("wb") as file:
        for descriptor, expected in ((file.fileno(), True), (writer, False), (1 << 20, False)):
            monkeypatch.setattr(log, "STDERR", descriptor)
            assert hearing.logs_to_a_file() is expected
    os.close(reader)
    os.close(writer)
