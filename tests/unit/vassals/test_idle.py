import itertools

import pytest

from refuwsgi.options import OptionError, config_of
from refuwsgi.vassals.idle import CHEAP, Decision, Idle, Seen, configured

QUIET = Seen(finished=0, busy=False)


@pytest.mark.parametrize(
    ("die", "emperor", "verdict"),
    [
        (False, False, Decision.SLEEP),
        (False, True, Decision.SLEEP),
        (True, False, Decision.END),
        (True, True, Decision.GOODBYE),
    ],
)
def test_the_four_combinations(die: bool, emperor: bool, verdict: Decision) -> None:
    rule = Idle(5, die, emperor, 100.0)
    assert rule.decide(QUIET, 105.0) is Decision.STAY
    assert rule.decide(QUIET, 105.1) is verdict


@pytest.mark.parametrize(("die", "emperor"), list(itertools.product((False, True), repeat=2)))
def test_without_idle_nothing_ever_happens(die: bool, emperor: bool) -> None:
    assert Idle(0, die, emperor, 0.0).decide(QUIET, 1e9) is Decision.STAY


def test_a_finished_request_moves_the_clock() -> None:
    rule = Idle(5, True, True, 0.0)
    assert rule.decide(Seen(1, False), 4.0) is Decision.STAY
    assert rule.decide(Seen(1, False), 9.0) is Decision.STAY
    assert rule.decide(Seen(1, False), 9.5) is Decision.GOODBYE


def test_a_busy_worker_keeps_a_server_awake_but_leaves_the_clock_alone() -> None:
    rule = Idle(5, False, False, 0.0)
    assert rule.decide(Seen(0, True), 60.0) is Decision.STAY
    assert rule.decide(Seen(0, False), 60.5) is Decision.SLEEP


def test_sleep_is_no_idleness() -> None:
    rule = Idle(5, False, False, 0.0)
    assert rule.decide(QUIET, 6.0) is Decision.SLEEP
    assert rule.decide(Seen(0, False, asleep=True), 60.0) is Decision.STAY
    assert rule.decide(QUIET, 64.0) is Decision.STAY
    assert rule.decide(QUIET, 66.0) is Decision.SLEEP


def test_the_log_line_is_the_one_that_operators_know() -> None:
    rule = Idle(1, True, True, 40.2)
    assert rule.line(43.9) == "workers have been inactive for more than 1 seconds (43-40)"


def test_the_options() -> None:
    assert configured(config_of(die_on_idle=True), True, 0.0) is None
    assert configured(config_of(idle="0"), True, 0.0) is None
    rule = configured(config_of(idle="2", die_on_idle=True), True, 0.0)
    assert rule is not None
    assert rule.decide(QUIET, 3.0) is Decision.GOODBYE
    assert config_of(cheap=True)[CHEAP]
    with pytest.raises(OptionError, match="idle: expected a number"):
        config_of(idle="-1")
