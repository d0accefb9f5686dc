"""What a cache does when it is full, when items end, when it counts."""

from typing import Any

import pytest

from refuwsgi.cache.store import FULL, Cache
from tests.unit.cache.test_cache import PLAIN, cache


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr("refuwsgi.log.line", lines.append)
    return lines


def test_a_full_cache_says_so_each_time(said: list[str]) -> None:
    made = Cache("c", PLAIN)
    results = [made.set(b"%d" % number, b"x") for number in range(7)]
    assert results == [True] * 5 + [False] * 2
    assert said == [FULL.format("c")] * 2
    assert made.figures()["full"] == 2


@pytest.mark.parametrize(
    ("key", "value"), [(b"", b"x"), (b"k", b""), (b"k" * 9, b"x"), (b"k", b"x" * 17)]
)
def test_what_does_not_fit_is_refused(key: bytes, value: bytes) -> None:
    assert not cache().set(key, value)


def test_items_end_at_their_second() -> None:
    made = cache()
    clock: Any = made._clock
    made.set(b"a", b"1", 10)
    made.set(b"b", b"1")
    item = made.look_up(b"a")
    assert item is not None
    assert item.expires == 1010
    clock.now += 10
    assert made.look_up(b"a") is None
    assert made.keys() == [b"b"]


def test_a_sweep_removes_what_is_over() -> None:
    made = cache()
    clock: Any = made._clock
    made.set(b"a", b"1", 10)
    made.set(b"b", b"1", 20)
    assert made.sweep() == 0
    clock.now += 15
    assert (made.sweep(), len(made)) == (1, 1)
    clock.now += 15
    assert (made.sweep(), len(made), made.sweep()) == (1, 0, 0)


def test_without_expiry_nothing_ends() -> None:
    made = cache(no_expire=True)
    clock: Any = made._clock
    made.set(b"a", b"1", 10)
    clock.now += 100
    assert made.look_up(b"a") is not None
    assert made.sweep() == 0


@pytest.mark.parametrize(
    ("manners", "left"), [({"sweep_on_full": True}, 5), ({"clear_on_full": True}, 1)]
)
def test_a_full_cache_may_make_room(manners: dict[str, bool], left: int) -> None:
    made = cache(PLAIN, **manners)
    clock: Any = made._clock
    for number in range(5):
        assert made.set(b"%d" % number, b"x", 10 if number == 3 else 0)
    clock.now += 20
    assert made.set(b"new", b"x")
    assert len(made) == left


def test_hits_and_misses_are_counted() -> None:
    made = cache()
    made.set(b"a", b"1")
    hits = [found.hits for _ in range(3) if (found := made.look_up(b"a")) is not None]
    made.look_up(b"nope")
    assert hits == [1, 2, 3]
    assert (made.figures()["hits"], made.figures()["miss"]) == (3, 1)


@pytest.mark.parametrize(
    ("step", "value"), [(7, 7), (-7, -7), (1 << 63, -(1 << 63)), ((1 << 64) + 5, 5)]
)
def test_numbers_have_a_sign_and_64_bits(step: int, value: int) -> None:
    made = cache()
    assert made.reckon(b"n", lambda number: number + step)
    assert made.number(b"n") == value


def test_a_new_number_begins_with_the_first() -> None:
    made = cache(first=40)
    made.reckon(b"n", lambda number: number + 2)
    assert made.number(b"n") == 42


def test_a_change_is_noted_if_wanted() -> None:
    made = cache(last_modified=True)
    made.set(b"a", b"1")
    assert made.figures()["last_modified_at"] == 1000
