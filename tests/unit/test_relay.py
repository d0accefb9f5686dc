"""The relay: both directions at once."""

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from refuwsgi import loop as loops
from refuwsgi.loop import Loop, Wait, sleep
from refuwsgi.streams import CHUNK, Relay, receive, relay, send_all
from tests.unit.eventually import run

BIG = 5_000_000


class Ends:
    """A client and a node, with a relay between them."""

    def __init__(self) -> None:
        self.client, self.ours = socket.socketpair()
        self.theirs, self.node = socket.socketpair()
        for end in (self.client, self.ours, self.theirs, self.node):
            end.setblocking(False)

    def close(self) -> None:
        for end in (self.client, self.ours, self.theirs, self.node):
            end.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    with contextlib.closing(Ends()) as made:
        yield made


async def all_of(sock: socket.socket) -> bytes:
    """What comes until the end."""
    heard = bytearray()
    while part := await receive(sock, timeout=10):
        heard += part
    return bytes(heard)


async def exactly(sock: socket.socket, size: int) -> bytes:
    heard = bytearray()
    while len(heard) < size:
        part = await receive(sock, timeout=10)
        assert part, "the end came early"
        heard += part
    return bytes(heard)


async def relaying(ends: Ends, first: bytes = b"", timeout: float | None = 10) -> tuple[int, int]:
    """Relay and close, as a session does."""
    try:
        return await relay(ends.ours, ends.theirs, first, timeout)
    finally:
        ends.ours.close()
        ends.theirs.close()


def test_a_request_and_its_answer(ends: Ends) -> None:
    async def client() -> bytes:
        await send_all(ends.client, b"question", 10)
        return await all_of(ends.client)

    async def node() -> bytes:
        heard = await exactly(ends.node, len("first question"))
        await send_all(ends.node, b"answer", 10)
        ends.node.close()
        return heard

    counts, answer, question = run(relaying(ends, b"first "), client(), node())
    assert (question, answer) == (b"first question", b"answer")
    assert counts == (len(b"first question"), len(b"answer"))


WORDS = b"0123456789"


@pytest.mark.parametrize("cut", range(len(WORDS) + 1))
@pytest.mark.parametrize("other_cut", [0, 3, len(WORDS)])
def test_bytes_arrive_whole_however_they_are_split(ends: Ends, cut: int, other_cut: int) -> None:
    async def speaker(sock: socket.socket, cut: int) -> None:
        for part in (WORDS[:cut], WORDS[cut:]):
            await send_all(sock, part, 10)
            await sleep(0)

    async def client() -> bytes:
        await speaker(ends.client, cut)
        ends.client.shutdown(socket.SHUT_WR)
        return await all_of(ends.client)

    async def node() -> bytes:
        await speaker(ends.node, other_cut)
        heard = await all_of(ends.node)
        ends.node.close()
        return heard

    counts, down, up = run(relaying(ends), client(), node())
    assert (up, down) == (WORDS, WORDS)
    assert counts == (len(WORDS), len(WORDS))


def test_large_streams_in_both_directions_at_once(ends: Ends) -> None:
    up, down = os.urandom(BIG), os.urandom(BIG)
    # A socket is waited on by one task at a time, so whoever hears has a duplicate.
    hears_up, hears_down = ends.node.dup(), ends.client.dup()

    async def node_hears() -> bytes:
        return await exactly(hears_up, BIG)

    async def node_says() -> None:
        await send_all(ends.node, down, 10)

    async def client_says() -> None:
        await send_all(ends.client, up, 10)

    async def client_hears() -> bytes:
        heard = await exactly(hears_down, BIG)
        while both.up < BIG:
            await sleep(0.005)
        ends.node.shutdown(socket.SHUT_WR)
        return heard

    both = Relay(ends.ours, ends.theirs, timeout=10)
    with hears_up, hears_down:
        _, heard_up, _, _, heard_down = run(
            both.run(), node_hears(), node_says(), client_says(), client_hears()
        )
    assert heard_up == up
    assert heard_down == down
    assert (both.up, both.down) == (BIG, BIG)


def test_a_client_that_ends_its_half_still_gets_the_answer(ends: Ends) -> None:
    async def client() -> bytes:
        ends.client.shutdown(socket.SHUT_WR)
        return await all_of(ends.client)

    async def node() -> bytes:
        heard = await all_of(ends.node)  # the end is passed on
        await sleep(0.02)
        await send_all(ends.node, bytes(BIG), 10)
        ends.node.close()
        return heard

    _, answer, heard = run(relaying(ends), client(), node())
    assert heard == b""
    assert len(answer) == BIG


def test_a_node_that_ends_its_half_ends_the_relay(ends: Ends) -> None:
    async def node() -> None:
        await send_all(ends.node, b"all there is", 10)
        ends.node.shutdown(socket.SHUT_WR)

    counts, _, answer = run(relaying(ends), node(), all_of(ends.client))
    assert answer == b"all there is"
    assert counts == (0, len(b"all there is"))


def test_a_node_that_hears_no_more_may_still_answer(ends: Ends) -> None:
    async def node() -> None:
        ends.node.shutdown(socket.SHUT_RD)
        await sleep(0.02)
        await send_all(ends.node, b"413", 10)
        ends.node.close()

    async def client() -> bytes:
        with contextlib.suppress(OSError):
            await send_all(ends.client, bytes(BIG), 0.2)
        return await exactly(ends.client, 3)  # behind it comes a reset: bytes were not read

    _, _, answer = run(relaying(ends), node(), client())
    assert answer == b"413"


def test_a_client_that_has_gone_is_an_error(ends: Ends) -> None:
    ends.client.close()

    async def node() -> None:
        with contextlib.suppress(OSError):
            await send_all(ends.node, bytes(BIG), 10)

    with pytest.raises(ConnectionError):
        run(relaying(ends), node())


def test_silence_is_a_timeout(ends: Ends) -> None:
    with pytest.raises(TimeoutError):
        run(relaying(ends, timeout=0.02))


@pytest.mark.parametrize("way", ["up", "down"])
def test_who_does_not_read_stops_the_other_side(ends: Ends, way: str) -> None:
    # The reader takes nothing: what the speaker can get rid of is what the kernel holds and
    # one chunk in the relay.
    speaker, state = (ends.client, "_to_node") if way == "up" else (ends.node, "_to_client")
    both = Relay(ends.ours, ends.theirs, timeout=0.1)

    async def speak() -> int:
        gone = 0
        data = bytes(CHUNK)
        with contextlib.suppress(TimeoutError):
            while gone < BIG * 10:
                await send_all(speaker, data, 0.3)
                gone += len(data)
        return gone

    async def carry() -> None:
        with contextlib.suppress(TimeoutError):
            await both.run()

    gone, _ = run(speak(), carry())
    assert gone < BIG
    assert 0 < len(getattr(both, state)) <= CHUNK


def test_the_same_state_waits_for_the_same_thing(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Wait] = []

    def counted(interests: tuple[tuple[loops.Source, int], ...], timeout: float | None) -> Wait:
        made.append(Wait(interests, timeout))
        return made[-1]

    monkeypatch.setattr("refuwsgi.streams.Wait", counted)

    async def talk() -> None:
        for _ in range(50):
            await send_all(ends.node, b"x", 10)
            assert await receive(ends.client, timeout=10) == b"x"
        ends.node.close()

    with contextlib.closing(Loop()) as loop:
        run(relaying(ends), talk(), loop=loop)
    assert len(made) <= 2
    assert loops.READ in {events for wanted in made for _, events in wanted.interests}
