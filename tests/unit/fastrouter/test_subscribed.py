"""Nodes under a key: rounds that are dealt beforehand say what the algorithm says."""

from hypothesis import given
from hypothesis import strategies as st

from refuwsgi.fastrouter import subscribed
from refuwsgi.fastrouter.balancing import wrr
from refuwsgi.fastrouter.subscribed import LOOK, NOBODY, Slot, Subscribed, few_turns
from refuwsgi.protocol.subscription import Announcement

WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def node(name: int, weight: int, now: float = 1.0) -> Subscribed:
    said = Announcement(key=b"k", address=b"%d" % name, weight=weight)
    return Subscribed(said, str(name), NOBODY, now)


def taken(slot: Slot) -> Subscribed:
    """What the table does with a slot of which all nodes are alive."""
    if slot.left:
        found = slot.left.pop()
        found.turns -= 1
        return found
    return slot.next(slot.nodes, b"")


@given(st.lists(st.tuples(WEIGHTS, st.integers(0, 40)), min_size=1, max_size=4))
def test_rounds_are_what_round_robin_by_weight_says(steps: list[tuple[list[int], int]]) -> None:
    """Nodes come and go between two rounds, and in the middle of one."""
    slot = Slot("wrr")
    known: dict[int, tuple[Subscribed, Subscribed]] = {}
    for weights, requests in steps:
        for name, weight in enumerate(weights):
            one, other = known.setdefault(name, (node(name, weight), node(name, weight)))
            one.weight = other.weight = weight
        pairs = [known[name] for name in range(len(weights))]
        slot.consist_of(tuple(one for one, _ in pairs))
        plain = [other for _, other in pairs]
        if len(plain) == 1:
            plain[0].turns = pairs[0][0].turns = 0  # an only node has no turns to be counted
        for _ in range(requests):
            assert taken(slot).address == wrr(plain, b"").address
            assert [one.turns for one, _ in pairs] == [each.turns for each in plain]


def test_long_rounds_are_not_dealt_beforehand() -> None:
    slot = Slot("wrr")
    slot.consist_of((node(1, 1), node(2, subscribed.KNOWN)))
    assert slot.next is wrr
    assert not few_turns(slot.nodes)
    slot.consist_of((node(1, 1), node(2, subscribed.KNOWN - 1)))
    assert slot.next is not wrr


def test_an_only_node_uses_up_the_turns_that_it_had() -> None:
    slot, one, other = Slot("wrr"), node(1, 3), node(2, 1)
    slot.consist_of((one, other))
    assert taken(slot) is other
    slot.consist_of((one,))
    assert [taken(slot).turns for _ in range(4)] == [2, 1, 0, 0]


def test_a_slot_knows_whether_its_nodes_need_a_look() -> None:
    slot, old, new, spare = Slot("lrc"), node(1, 1, 5.0), node(2, 1, 7.0), node(3, 1, 9.0)
    spare.backup = 1
    for nodes, oldest in (((), LOOK), ((new,), 7.0), ((new, old), 5.0), ((new, spare), LOOK)):
        slot.consist_of(nodes)
        assert slot.oldest == oldest
    old.dead = True
    slot.consist_of((new, old))
    assert slot.oldest == LOOK
