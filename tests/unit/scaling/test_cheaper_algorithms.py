from refuwsgi.scaling.cheaper_algorithms import (
    Backlog,
    Busyness,
    Manual,
    Seen,
    Spare,
    Spare2,
    Thresholds,
)


def seen(live: int, busy: int, queue: int = 0, most: int = 4, least: int = 1) -> Seen:
    return Seen(live, busy, most, least, queue)


def decisions(algorithm: Spare | Backlog | Manual | Spare2, *looks: Seen) -> list[int]:
    return [algorithm.decide(look, float(now)) for now, look in enumerate(looks)]


def test_spare_starts_one_when_all_were_busy_for_longer_than_overload() -> None:
    """With the defaults the first new worker comes in the fourth cycle, then one every four."""
    assert decisions(Spare(3, 1), *[seen(1, 1)] * 8) == [0, 0, 0, 1, 0, 0, 0, 1]
    assert decisions(Spare(1, 1), *[seen(1, 1)] * 4) == [0, 1, 0, 1]


def test_spare_starts_a_step_at_a_time_and_never_more_than_there_are_places() -> None:
    assert decisions(Spare(1, 3), seen(1, 1), seen(1, 1)) == [0, 3]
    assert decisions(Spare(1, 3), seen(3, 3), seen(3, 3)) == [0, 1]
    assert decisions(Spare(1, 1), seen(4, 4), seen(4, 4)) == [0, 0]


def test_spare_forgets_a_busy_cycle_with_each_that_is_not() -> None:
    rule = Spare(2, 1)
    assert decisions(rule, *[seen(2, 2), seen(2, 2), seen(2, 1), seen(2, 2), seen(2, 2)]) == [
        0,
        0,
        0,
        0,
        1,
    ]


def test_for_spare_one_idle_worker_is_stable() -> None:
    assert decisions(Spare(1, 1), *[seen(3, 2)] * 20) == [0] * 20


def test_spare_stops_one_every_overload_idle_cycles_down_to_cheaper() -> None:
    assert decisions(Spare(3, 1), *[seen(4, 0)] * 6) == [0, 0, -1, 0, 0, -1]
    assert decisions(Spare(1, 1), *[seen(2, 0, least=2)] * 5) == [0] * 5


def test_an_overload_of_zero_counts_as_one() -> None:
    assert decisions(Spare(0, 0), seen(1, 1), seen(1, 1)) == [0, 1]
    assert Busyness(0, 1).window == 1


def test_spare2_keeps_so_many_idle() -> None:
    rule = Spare2(2, 1, 10)
    assert rule.decide(seen(2, 1), 0) == 1
    assert rule.decide(seen(2, 2), 1) == 2
    assert rule.decide(seen(3, 1), 2) == 0
    assert rule.decide(seen(4, 0), 3) == 0
    assert rule.decide(seen(4, 0), 12.9) == 0
    assert rule.decide(seen(4, 0), 13) == -1
    assert rule.decide(seen(3, 0), 14) == 0


def test_backlog_goes_by_the_queue() -> None:
    rule = Backlog(2, 2)
    assert decisions(rule, seen(1, 1, 3), seen(3, 3, 3), seen(3, 0, 2)) == [2, 1, 0]
    assert decisions(rule, seen(3, 0, 1), seen(1, 0, 0)) == [-1, 0]


def test_manual_does_nothing_by_itself() -> None:
    assert decisions(Manual(), seen(1, 1, 50), seen(4, 0)) == [0, 0]


def busy(live: int, percent: int, seconds: float, queue: int = 0, most: int = 4) -> Seen:
    """What a master sees when each worker was so busy since the beginning."""
    return Seen(live, 0, most, 1, queue, running=[int(percent * 1e4 * seconds)] * live)


def test_busyness_starts_a_worker_above_the_maximum() -> None:
    rule = Busyness(2, 1)
    assert rule.decide(busy(1, 0, 0), 0) == 0
    assert rule.decide(busy(1, 100, 1), 1) == 0
    assert rule.decide(busy(1, 100, 2), 2) == 1
    assert rule.lines == ["[busyness] 2s average busyness is at 100%, will spawn 1 new worker(s)"]
    assert rule.busyness == 100


def test_busyness_says_when_there_is_no_place() -> None:
    rule = Busyness(1, 1)
    rule.decide(busy(4, 0, 0), 0)
    assert rule.decide(busy(4, 75, 1), 1) == 0
    assert rule.lines == [
        "[busyness] 1s average busyness is at 75% but we already started maximum number of "
        "workers available with current limits (4)"
    ]


def test_busyness_stops_a_worker_only_when_the_timer_is_over() -> None:
    rule = Busyness(1, 1, Thresholds(multiplier=3))
    assert [rule.decide(busy(4, 0, 0), now) for now in range(6)] == [0, 0, 0, -1, 0, 0]
    assert rule.decide(busy(3, 0, 0), 6) == -1
    assert rule.lines == ["[busyness] 1s average busyness is at 0%, cheap one of 3 running workers"]


def test_busyness_keeps_the_last_worker() -> None:
    rule = Busyness(1, 1, Thresholds(multiplier=1))
    assert [rule.decide(busy(1, 0, 0), now) for now in range(6)] == [0] * 6


def test_a_hasty_stop_makes_busyness_more_patient() -> None:
    rule = Busyness(1, 1, Thresholds(multiplier=2, penalty=3))
    for now in range(3):
        rule.decide(busy(2, 0, 0), now)
    assert rule.decide(busy(1, 100, 3), 3) == 1
    assert rule.multiplier == 5
    assert rule.lines[0].startswith("[busyness] worker(s) respawned to fast")


def test_a_worker_that_never_finishes_is_wholly_busy() -> None:
    rule = Busyness(1, 1)
    rule.decide(Seen(1, 1, 4, 1, 0, [0], [True]), 0)
    assert rule.decide(Seen(1, 1, 4, 1, 0, [0], [True]), 1) == 1


def test_the_growth_of_a_worker_is_its_own() -> None:
    """When one in the middle leaves, the next is not taken for it."""
    rule = Busyness(1, 1)
    rule.decide(Seen(3, 0, 4, 1, 0, [0, 10, 9_000_000], numbers=[1, 2, 3]), 0)
    assert rule.decide(Seen(2, 0, 4, 1, 0, [0, 9_000_000], numbers=[1, 3]), 1) == 0
    assert rule.busyness == 0


def test_a_long_queue_is_an_emergency() -> None:
    rule = Busyness(10, 1, Thresholds(alert=5, backlog_step=2))
    rule.decide(busy(1, 0, 0), 0)
    assert rule.decide(busy(1, 0, 0, queue=5), 1) == 0
    assert rule.decide(busy(1, 0, 0, queue=6), 2) == 2
    assert rule.emergency == 2


def test_a_queue_that_lasts_is_one_too() -> None:
    rule = Busyness(100, 1, Thresholds(nonzero=5))
    rule.decide(busy(1, 0, 0), 0)
    assert [rule.decide(busy(1, 0, 0, queue=1), now) for now in range(1, 7)] == [0, 0, 0, 0, 0, 1]


def test_busyness_between_the_limits_puts_the_stop_off() -> None:
    rule = Busyness(1, 1, Thresholds(multiplier=2))
    rule.decide(busy(2, 0, 0), 0)
    assert [rule.decide(busy(2, 30, now), now) for now in (1, 2, 3)] == [0, 0, 0]
    assert rule.decide(busy(2, 90, 1), 4) == 0  # nothing grew since
    assert "need to wait" in rule.verbose[-1]


def test_busyness_says_its_settings() -> None:
    assert Busyness(2, 1, Thresholds(multiplier=2)).settings() == [
        "[busyness] settings: min=25%, max=50%, overload=2, multiplier=2, respawn penalty=2",
        "[busyness] backlog alert is set to 33 request(s), step is 1",
        "[busyness] backlog non-zero alert is set to 60 second(s)",
    ]
