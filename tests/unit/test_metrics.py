import pytest

from refuwsgi.metrics import COUNTER, GAUGE, Metrics, Own, configured, own_of
from refuwsgi.options import OptionError, config_of
from refuwsgi.scoreboard import Scoreboard


def test_the_names_are_those_of_the_scoreboard() -> None:
    board = Scoreboard(2, 2)
    board.workers[1].pid = 5
    board.cores[1][0].requests, board.cores[1][1].requests = 3, 4
    board.cores[1][1].in_request = 1
    found = Metrics(board, []).fields()
    assert found["worker.2.requests"] == {"type": COUNTER, "oid": "3.2.1", "value": 7}
    assert found["worker.0.requests"]["value"] == 7
    assert found["worker.2.core.1.requests"]["oid"] == "3.2.2.1.1"
    assert found["core.busy_workers"] == {"type": GAUGE, "oid": "5.3", "value": 1}
    assert found["core.idle_workers"]["value"] == 0


def test_cores_may_be_left_out() -> None:
    assert not any(".core." in name for name in Metrics(Scoreboard(1, 1), [], cores=False).fields())


def test_an_application_counts() -> None:
    calls = Metrics(Scoreboard(1, 1), [], [Own("mine", initial=10)]).calls()
    assert calls["metric_inc"]("mine") is True
    calls["metric_inc"]("mine", 4)
    calls["metric_mul"]("mine", 2)
    calls["metric_dec"]("mine", 40)
    assert calls["metric_get"]("mine") == -10
    calls["metric_div"]("mine", 5)
    calls["metric_div"]("mine", 0)
    assert calls["metric_get"]("mine") == -2
    calls["metric_set_max"]("mine", 7)
    calls["metric_set_min"]("mine", 3)
    assert calls["metric_get"]("mine") == 3
    calls["metric_set"]("mine", -1)
    assert calls["metric_get"]("mine") == -1


def test_what_is_not_the_applications_cannot_be_changed() -> None:
    calls = Metrics(Scoreboard(1, 1), []).calls()
    assert calls["metric_inc"]("worker.1.requests") is None
    assert calls["metric_inc"]("nobody") is None
    assert calls["metric_get"]("nobody") == 0


def test_the_words_of_a_metric() -> None:
    config = config_of(metric=["plain", "name=two,type=gauge,initial_value=-3,oid=9.9"])
    assert own_of(config) == [Own("plain"), Own("two", GAUGE, -3, "9.9")]


@pytest.mark.parametrize("text", ["type=gauge", "name=a,type=x", "name=a,collector=ptr", "name="])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="metric"):
        own_of(config_of(metric=text))


def test_nobody_gets_metrics_who_does_not_ask() -> None:
    assert configured(config_of(), Scoreboard(1, 1), []) is None
    assert configured(config_of(enable_metrics=True), Scoreboard(1, 1), []) is not None
