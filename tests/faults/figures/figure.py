"""One figure: what was measured, with which numbers, and whether it is good enough."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.conformance.harness import Starter

Numbers = dict[str, Any]


class Figure(NamedTuple):
    """What a script says."""

    measured: Numbers
    good: bool


class Script(NamedTuple):
    """A figure that can be taken: in a quick form, and as it was meant."""

    what: str
    bar: str
    take: Callable[[Numbers], Figure]
    quick: Numbers
    full: Numbers


@contextmanager
def starter() -> Iterator[Starter]:
    """Start servers that live as long as a with statement."""
    made = Starter()
    try:
        yield made
    finally:
        made.close()


def milliseconds(seconds: float) -> float:
    """For people."""
    return round(seconds * 1000, 2)


def at(share: float, values: list[float]) -> float:
    """The value below which so many of the others are."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def timed(call: Callable[[], object], count: int) -> list[float]:
    """How long each of some calls took."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took
