import pytest

from refuwsgi.fastrouter import balancing
from refuwsgi.options import OptionError, config_of


class Node:
    def __init__(self, name: str, weight: int = 1, backup: int = 0) -> None:
        self.name = name
        self.weight = weight
        self.backup = backup
        self.turns = self.running = self.last_requests = 0


def turns(algorithm: str, nodes: list[Node], count: int, client: bytes = b"") -> str:
    return " ".join(balancing.choose(algorithm, nodes, client).name for _ in range(count))


def test_equals_alternate_from_the_younger_one() -> None:
    assert turns("wrr", [Node("1"), Node("2")], 4) == "2 1 2 1"


def test_a_weight_of_three_gets_three_turns_of_five() -> None:
    nodes = [Node("1"), Node("2"), Node("3", weight=3)]
    assert turns("wrr", nodes, 10) == "3 1 2 3 3 3 1 2 3 3"


def test_weights_are_divided_by_the_smallest() -> None:
    assert turns("wrr", [Node("1", weight=2), Node("2", weight=3)], 4) == "2 1 2 1"


def test_lrc_prefers_who_runs_least_and_then_who_was_used_least() -> None:
    busy, used, fresh = Node("busy"), Node("used"), Node("fresh")
    busy.running, used.last_requests = 1, 5
    assert turns("lrc", [busy, used, fresh], 1) == "fresh"
    fresh.running = 2
    assert turns("lrc", [busy, used, fresh], 1) == "used"


def test_wlrc_divides_what_runs_by_the_weight() -> None:
    small, big = Node("small"), Node("big", weight=4)
    small.running, big.running = 1, 3
    assert turns("wlrc", [small, big], 1) == "big"
    assert turns("lrc", [small, big], 1) == "small"


def test_iphash_stays_with_a_client() -> None:
    nodes = [Node(str(number)) for number in range(5)]
    assert len(set(turns("iphash", nodes, 9, b"192.0.2.7").split())) == 1
    many = {turns("iphash", nodes, 1, b"192.0.2.%d" % number) for number in range(50)}
    assert len(many) > 2


@pytest.mark.parametrize("algorithm", balancing.NAMES)
def test_a_backup_serves_only_while_nobody_of_a_lower_level_lives(algorithm: str) -> None:
    first, spare, last = Node("first"), Node("spare", backup=1), Node("last", backup=2)
    assert set(turns(algorithm, [last, spare, first], 6).split()) == {"first"}
    assert set(turns(algorithm, [last, spare], 6).split()) == {"spare"}
    assert set(turns(algorithm, [last], 2).split()) == {"last"}


def test_an_unknown_algorithm_is_a_mistake() -> None:
    with pytest.raises(OptionError, match=r"subscription-algo.*wrr"):
        balancing.configured(config_of(subscription_algo="fastest"))
