"""The numbers of signed packets: none counts twice, however many there are, whoever restarts."""

import os

import pytest

from refuwsgi.fastrouter import replay_guard, table_handover
from refuwsgi.fastrouter.replay_guard import Guard
from refuwsgi.fastrouter.slots import Table
from refuwsgi.fastrouter.subscribed import Sender
from refuwsgi.fastrouter.table_handover import Handover
from refuwsgi.protocol.subscription import Announcement

A, B, C = ((b"example.com", name) for name in (b"a", b"b", b"c"))


def test_a_number_counts_once_and_the_next_must_be_higher() -> None:
    guard = Guard(100)
    assert guard.is_new(A, 1000, 1000)
    assert not guard.is_new(A, 1000, 1000)
    assert not guard.is_new(A, 999, 1000)
    assert guard.is_new(A, 1001, 1000)


def test_an_unknown_node_may_be_behind_by_the_tolerance() -> None:
    guard = Guard(100)
    assert guard.is_new(A, 900, 1000)
    assert not guard.is_new(B, 899, 1000)


def test_the_numbers_are_bounded_and_forgetting_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay_guard, "MOST", 10)
    guard = Guard(1000)
    for number in range(1000):
        assert guard.is_new((b"k", b"%d" % number), 1000 + number, 1500)
        assert len(guard.numbers(1500)) <= 10
    for number in range(1000):
        assert not guard.is_new((b"k", b"%d" % number), 1000 + number, 1500)
    assert guard.is_new((b"k", b"3"), 2001, 1500)


def test_what_the_tolerance_refuses_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_guard, "MOST", 2)
    guard = Guard(100)
    assert guard.is_new(A, 1000, 1000)
    assert guard.is_new(B, 1150, 1000)
    assert guard.is_new(C, 1200, 1200)
    assert guard.floor == -1
    assert not guard.is_new(A, 1000, 1200)
    assert not guard.is_new(B, 1150, 1200)


def table() -> Table:
    return Table(lambda line: None)


def a_file() -> int:
    return os.memfd_create("handover")


def test_the_next_generation_knows_nodes_and_numbers() -> None:
    fd = a_file()
    before, guard = table(), Guard(100)
    before.announce(Announcement(b"k", b"n:1", weight=3, backup=1), "n:1", 0, Sender(7, 8, 9))
    guard.is_new(A, 1 << 40, 1000)
    guard.floor = 900
    table_handover.write(Handover((fd,), 4), before, guard)
    after, heir = table(), Guard(100)
    assert table_handover.read(Handover((fd,), 5), after, heir)
    [node] = after.nodes()
    assert (node.address, node.weight, node.backup, node.sender) == ("n:1", 3, 1, (7, 8, 9))
    assert not heir.is_new(A, 1 << 40, 1000)
    assert not heir.is_new(B, 900, 950)
    os.close(fd)


@pytest.mark.parametrize("epoch", [0, 3, 6])
def test_what_another_generation_has_written_is_not_read(epoch: int) -> None:
    fd = a_file()
    before = table()
    before.announce(Announcement(b"k", b"n:1"), "n:1", 0)
    table_handover.write(Handover((fd,), 4), before)
    assert not table_handover.read(Handover((fd,), epoch), after := table())
    assert not after.slots
    os.close(fd)


def test_nodes_of_an_old_file_are_left_out_but_its_numbers_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fd = a_file()
    before, guard = table(), Guard(100)
    before.announce(Announcement(b"k", b"n:1"), "n:1", 0)
    guard.is_new(A, 1 << 40, 1000)
    table_handover.write(Handover((fd,), 0), before, guard)
    monkeypatch.setattr(table_handover, "FRESH", -1.0)
    after, heir = table(), Guard(100)
    assert table_handover.read(Handover((fd,), 1), after, heir)
    assert not after.slots
    assert not heir.is_new(A, 1 << 40, 1000)
    os.close(fd)


def test_without_a_file_there_is_nothing_to_know() -> None:
    table_handover.write(Handover(), table(), Guard(1))
    assert not table_handover.read(Handover((), 1), table())
    fd = a_file()
    assert not table_handover.read(Handover((fd,), 1), table())
    os.close(fd)
