import os
import time

import pytest

from refuwsgi.fastrouter import hearing, slots
from refuwsgi.fastrouter.slots import Table
from refuwsgi.gateway_rules import Asked
from refuwsgi.loop import Wait
from refuwsgi.protocol.subscription import Announcement


class World:
    def __init__(self, **options: object) -> None:
        self.lines: list[str] = []
        self.table = Table(self.lines.append, **options)  # type: ignore[arg-type]
        self.now = 1000.0

    def announce(self, key: str, address: str, **more: int) -> bool:
        said = Announcement(key.encode(), address.encode(), **more)  # type: ignore[arg-type]
        return self.table.announce(said, address, self.now)

    def ask(self, key: str) -> str:
        node = self.table.choose(Asked(key.encode()), self.now)
        if node is None:
            return ""
        self.table.ended(node)
        return node.address


def test_a_first_announcement_makes_a_slot_and_a_node() -> None:
    world = World()
    assert world.announce("example.com", "/a")
    assert not world.announce("example.com", "/a")
    pid = os.getpid()
    assert world.lines == [
        f"[uwsgi-subscription for pid {pid}] new pool: example.com (hash key: 30778)",
        f"[uwsgi-subscription for pid {pid}] example.com => new node: /a",
    ]
    assert world.ask("example.com") == "/a"
    assert world.ask("Example.com") == ""


def test_the_modifiers_of_the_first_announcement_stay_and_the_rest_is_renewed() -> None:
    world = World()
    world.announce("k", "/a", modifier1=5, weight=1)
    world.announce("k", "/a", modifier1=6, weight=9, cores=4)
    (node,) = world.table.nodes()
    assert (node.modifier1, node.weight, node.cores) == (5, 9, 4)


def test_a_withdrawal_takes_the_node_and_the_last_one_the_slot() -> None:
    world = World()
    world.announce("k", "/a")
    world.announce("k", "/b")
    world.table.withdraw(b"k", "/a")
    world.table.withdraw(b"k", "/unknown")
    world.table.withdraw(b"unknown", "/a")
    assert world.ask("k") == "/b"
    world.table.withdraw(b"k", "/b")
    assert not world.table.slots
    assert world.table.living == 0
    assert sum("=> marking /a as failed" in line for line in world.lines) == 1


def test_a_node_that_left_stays_until_its_request_has_ended() -> None:
    world = World()
    world.announce("k", "/a")
    node = world.table.choose(Asked(b"k"), world.now)
    assert node is not None
    world.table.withdraw(b"k", "/a")
    assert world.table.living == 0
    assert world.table.slots
    assert world.ask("k") == ""
    world.table.ended(node)
    assert not world.table.slots


def test_a_node_that_left_and_comes_back_in_time_is_the_same() -> None:
    world = World()
    world.announce("k", "/a")
    node = world.table.choose(Asked(b"k"), world.now)
    assert node is not None
    world.table.withdraw(b"k", "/a")
    world.announce("k", "/a")
    world.table.ended(node)
    assert world.ask("k") == "/a"
    assert world.table.living == 1


def test_a_silent_node_dies_when_it_is_looked_up() -> None:
    world = World(tolerance=17)
    world.announce("k", "/a")
    world.now += 17
    assert world.ask("k") == "/a"
    world.now += 0.1
    assert len(list(world.table.nodes())) == 1
    assert world.ask("k") == ""
    assert "(no announce received in 17 seconds)" in world.lines[-1]
    assert not world.table.slots


def test_a_sweep_finds_the_silent() -> None:
    world = World(tolerance=17)
    changes: list[int] = []
    world.table.changed.append(lambda: changes.append(world.table.living))
    world.announce("k", "/a")
    world.announce("l", "/b")
    world.now += 10
    world.announce("l", "/b")
    world.now += 10
    world.table.sweep(world.now, [b"k", b"l", b"unknown"])
    assert list(world.table.slots) == [b"l"]
    assert changes == [1, 2, 1]


def test_dotsplit_looks_for_the_parents() -> None:
    world = World(dotsplit=True)
    world.announce(".example.com", "/a")
    assert world.ask("a.b.example.com") == "/a"
    assert world.ask("example.com") == ""
    assert world.ask("1.2.3.4.5.example.com") == ""


def test_a_fallback_key_serves_the_unknown() -> None:
    world = World(fallback_key=b"other")
    world.announce("other", "/a")
    assert world.ask("whatever") == "/a"


def test_a_key_may_choose_its_algorithm() -> None:
    world = World()
    said = Announcement(b"k", b"/a", algorithm=b"lrc")
    world.table.announce(said, "/a", world.now)
    world.table.announce(said._replace(key=b"l", algorithm=b"what"), "/a", world.now)
    assert world.table.slots[b"k"].algorithm == "lrc"
    assert world.table.slots[b"l"].algorithm == "wrr"


def test_of_a_full_key_the_longest_silent_node_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_NODES", 2)
    world = World()
    for second, address in enumerate(("/a", "/b", "/a", "/c")):
        world.now += second
        world.announce("k", address)
    assert {node.address for node in world.table.nodes()} == {"/a", "/c"}
    assert world.table.living == 2
    for node in world.table.nodes():
        node.running = 1
    assert not world.announce("k", "/d")
    assert sum("no room" in line for line in world.lines) == 1


def test_of_a_full_table_the_longest_silent_key_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "MOST_SLOTS", 2)
    world = World()
    for key in ("l", "k", "m"):
        world.now += 1
        world.announce(key, "/a")
    assert set(world.table.slots) == {b"k", b"m"}
    for node in world.table.nodes():
        node.running = 1
    assert not world.announce("n", "/a")
    assert set(world.table.slots) == {b"k", b"m"}
    assert sum("no room" in line for line in world.lines) == 1


def test_a_sender_that_fills_the_table_drives_nobody_out_who_speaks() -> None:
    """At the real size: some more than there is room for."""
    table = Table(lambda line: None)
    good = [Announcement(b"good%d" % number, b"/good") for number in range(20)]
    most = slots.MOST_SLOTS
    for number in range(most + most // 64):
        if number % 10_000 == 0:  # as an instance would in the time that this takes
            for each in good:
                table.announce(each, "/good", number)
        table.announce(Announcement(b"bad%d" % number, b"/bad"), "/bad", number)
    assert len(table.slots) == table.living == most
    assert all(each.key in table.slots for each in good)


def test_a_key_cannot_write_lines_into_the_log() -> None:
    world = World()
    world.announce("k\nfaked", "/a\x1b[2J")
    assert all(line.isprintable() for line in world.lines)


def test_a_node_that_is_left_alone_uses_up_the_turns_that_it_was_dealt() -> None:
    world = World()
    world.announce("k", "/a", weight=3)
    world.announce("k", "/b", weight=1)
    first = world.ask("k")
    assert first == "/b"
    world.table.withdraw(b"k", "/b")
    (node,) = world.table.nodes()
    assert node.turns == 3
    assert [world.ask("k") for _ in range(4)] == ["/a"] * 4
    assert node.turns == 0
    assert node.requests == 4
    assert world.table.slots[b"k"].hits == 5


def test_addresses_that_are_gone_are_forgotten() -> None:
    world = World()
    for number in range(3 * slots.SHARED):
        world.announce("k", f"/{number}")
        world.table.withdraw(b"k", f"/{number}")
    assert not world.table.slots
    assert len(world.table._addresses) <= slots.SHARED + 3


def test_who_fell_silent_is_gone_one_tolerance_later() -> None:
    """A table full of nodes that spoke once does not wait for requests to be tidied up."""
    world = World(tolerance=5)
    world.now = time.monotonic() - 6
    for number in range(2 * hearing.PART + 1):
        world.announce(f"k{number}", "/a")
    world.now += 6
    world.announce("k0", "/a")
    steps = hearing._sweep(world.table, 5)
    assert steps.send(None) == Wait((), 5)
    for left in (hearing.PART + 2, 2, 1):  # in parts, between which others get their turn
        assert steps.send([]) == Wait((), 0.0)
        assert len(world.table.slots) == left
    assert steps.send([]) == Wait((), 5)
