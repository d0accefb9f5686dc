"""What a router process leaves to the one that takes its place, and what that makes of it."""

import os
import time
from collections.abc import Iterator

import pytest

from refuwsgi.fastrouter import table_handover
from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.table_handover import EPOCH, HEAD, Handover, Keeper
from refuwsgi.loop import Loop, sleep
from refuwsgi.protocol.subscription import Announcement
from tests.unit.eventually import run, until

A = (b"example.com", b"a")


@pytest.fixture
def fd() -> Iterator[int]:
    """The file."""
    made = os.memfd_create("handover")
    yield made
    os.close(made)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    monkeypatch.setattr(table_handover, "PAUSE", 0.01)
    monkeypatch.setattr(table_handover, "SLOW", 0.1)


def table(*addresses: str) -> Table:
    made = Table(lambda line: None)
    for address in addresses:
        made.announce(Announcement(b"k", address.encode()), address, 0)
    return made


def addresses(of: Table) -> list[str]:
    return [node.address for node in of.nodes()]


def test_a_keeper_writes_what_has_changed(fd: int) -> None:
    """Also what changes while it writes, or after that."""
    before, guard, loop = table("n:1"), Guard(100), Loop()
    keeper = Keeper(Handover((fd,), 4), before, guard, loop)
    before.changed.append(keeper.changed)
    guard.changed = keeper.changed

    async def life() -> None:
        keeper.changed()
        await written("n:1")
        before.announce(Announcement(b"k", b"n:2"), "n:2", 0)
        await written("n:1", "n:2")
        before.withdraw(b"k", "n:1")
        guard.is_new(A, 1 << 40, 1000)
        await written("n:2")

    async def written(*names: str) -> None:
        end = time.monotonic() + 20
        while not table_handover.read(Handover((fd,), 4), known := table()) or addresses(
            known
        ) != list(names):
            assert time.monotonic() < end, addresses(known)
            await sleep(0.005)

    run(life(), loop=loop)
    heir = Guard(100)
    until(lambda: table_handover.read(Handover((fd,), 4), table(), heir))
    assert not heir.is_new(A, 1 << 40, 1000)


def test_others_have_their_turn_while_a_large_table_is_written(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_handover, "PART", 1)
    before, loop, turns = table(), Loop(), 0
    for number in range(50):
        before.announce(Announcement(b"%d" % number, b"n:1"), "n:1", 0)
    keeper = Keeper(Handover((fd,), 0), before, None, loop)

    async def other() -> None:
        nonlocal turns
        keeper.changed()
        while not table_handover.read(Handover((fd,), 0), table()):
            turns += 1
            await sleep(0.0)

    run(other(), loop=loop)
    assert turns >= 50


def test_a_keeper_that_was_stopped_writes_no_more(fd: int) -> None:
    loop = Loop()
    keeper = Keeper(Handover((fd,), 0), table("n:1"), None, loop)

    async def life() -> None:
        keeper.changed()
        keeper.stop()
        keeper.changed()
        await sleep(0.05)

    run(life(), loop=loop)
    assert os.fstat(fd).st_size == 0


def test_a_process_of_the_same_generation_goes_on_from_an_old_file(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has changed since: its nodes have announced themselves all the time."""
    table_handover.write(Handover((fd,), 4), table("n:1"))
    monkeypatch.setattr(table_handover, "FRESH", -1.0)
    assert table_handover.read(Handover((fd,), 4), heir := table())
    assert addresses(heir) == ["n:1"]


def test_half_a_file_is_none(fd: int) -> None:
    table_handover.write(Handover((fd,), 4), table("n:1"))
    whole = os.pread(fd, 4096, 0)
    middle = EPOCH.size + HEAD.size + 3
    for broken in (whole[:-1], whole[:middle] + b"\xff" + whole[middle + 1 :], whole[:20], b""):
        os.ftruncate(fd, 0)
        os.pwrite(fd, broken, 0)
        assert not table_handover.read(Handover((fd,), 4), heir := table())
        assert addresses(heir) == []


def test_the_next_generation_waits_for_last_words_but_not_for_long(fd: int) -> None:
    loop = Loop()
    old = Handover((fd,), 4)

    async def generations() -> None:
        keeper = Keeper(old, table("n:1"), None, loop)
        keeper.changed()
        while not os.fstat(fd).st_size:
            await sleep(0.005)
        assert not table_handover.read(Handover((fd,), 5), table(), last_words=True)
        began = time.monotonic()
        await table_handover.take_over(Handover((fd,), 5), heir := table())
        assert time.monotonic() - began >= 0.1
        assert addresses(heir) == ["n:1"]
        table_handover.write(old, table("n:2"))
        await table_handover.take_over(Handover((fd,), 5), heir := table())
        assert addresses(heir) == ["n:2"]

    run(generations(), loop=loop)


def test_the_first_process_has_nothing_to_wait_for(
    fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_handover, "SLOW", 60.0)
    began = time.monotonic()
    run(table_handover.take_over(Handover((fd,), 0), heir := table()))
    assert addresses(heir) == []
    assert time.monotonic() - began < 20


def test_who_is_killed_while_writing_leaves_what_was_written_before(fd: int) -> None:
    other = os.memfd_create("other")
    files = Handover((fd, other), 4)
    for address in ("n:0", "n:1"):
        table_handover.write(files, table(address))
    draft = table_handover._Draft(files, table("n:2"), None)
    assert len(list(draft.steps())) == 1  # all is written but the head
    assert table_handover.read(files, heir := table())
    assert addresses(heir) == ["n:1"]
    os.close(other)


def test_a_large_table_has_longer(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost too much to write it every second."""
    monkeypatch.setattr(table_handover, "KEYS", 2)
    before, loop = table("n:1"), Loop()
    keeper = Keeper(Handover((fd,), 4), before, None, loop)

    async def life() -> None:
        began = time.monotonic()
        keeper.changed()
        while not table_handover.read(Handover((fd,), 4), table()):
            await sleep(0.01)
        assert time.monotonic() - began >= 0.5

    run(life(), loop=loop)
