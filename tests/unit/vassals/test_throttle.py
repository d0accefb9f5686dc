import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals.throttle import Blacklist, Entry, configured


def test_the_first_death_is_free() -> None:
    blacklist = Blacklist(1000, 180_000)
    assert blacklist.died("a.ini", 100.0) == []
    assert not blacklist.holds("a.ini", 100.0)


def test_every_further_death_costs_one_throttle_more() -> None:
    blacklist = Blacklist(1000, 180_000)
    levels = []
    for death in range(5):
        blacklist.died("a.ini", float(death))
        levels.append(blacklist.entries["a.ini"].level)
    assert levels == [0, 1000, 2000, 3000, 4000]
    assert blacklist.entries["a.ini"] == Entry(4, 4000, 0.0, 4.0)


def test_a_vassal_is_held_until_its_time_has_passed() -> None:
    blacklist = Blacklist(1000, 180_000)
    blacklist.died("a.ini", 10.0)
    blacklist.died("a.ini", 20.0)
    assert blacklist.holds("a.ini", 20.9)
    assert not blacklist.holds("a.ini", 21.0)
    assert not blacklist.holds("b.ini", 20.0)


def test_at_the_limit_the_level_is_halved() -> None:
    blacklist = Blacklist(1000, 2500)
    said = [blacklist.died("a.ini", 0.0) for _ in range(5)]
    assert blacklist.entries["a.ini"].level == 1250
    assert said[2] == ["unloyal bad behaving vassal found: a.ini throttling it..."]
    assert said[4] == ["maximum throttle level for vassal a.ini reached !!!"]


def test_a_loyal_vassal_is_forgiven() -> None:
    blacklist = Blacklist(1000, 180_000)
    blacklist.died("a.ini", 0.0)
    blacklist.died("a.ini", 0.0)
    blacklist.forgive("a.ini")
    blacklist.forgive("never.ini")
    assert not blacklist.holds("a.ini", 0.0)
    blacklist.died("b.ini", 0.0)
    blacklist.clear()
    assert not blacklist.entries


def test_the_options() -> None:
    made = configured(config_of(emperor_throttle="7", emperor_max_throttle="9"))
    assert (made.throttle, made.maximum) == (7, 9)
    never = configured(config_of(emperor_no_blacklist=True))
    for _ in range(9):
        assert never.died("a.ini", 0.0) == []
    assert not never.holds("a.ini", 0.0)
    with pytest.raises(OptionError, match="emperor-throttle: expected a number"):
        configured(config_of(emperor_throttle="soon"))
