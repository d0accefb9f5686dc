"""Waiting in tests: for what will happen, never for so long."""

import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any

from refuwsgi.loop import Loop, sleep

LIMIT = 20.0  # seconds, for a machine that is busy with other things


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def run(*tasks: Coroutine[Any, Any, Any], loop: Loop | None = None) -> list[Any]:
    """Run tasks in a loop until all have ended; their results, or the error of one."""
    loop = Loop() if loop is None else loop
    results: dict[int, Any] = {}
    errors: list[BaseException] = []

    async def kept(place: int, task: Coroutine[Any, Any, Any]) -> None:
        try:
            results[place] = await task
        except Exception as problem:
            errors.append(problem)
        if errors or len(results) == len(tasks):
            loop.stop()

    async def limit() -> None:
        await sleep(LIMIT)
        errors.append(AssertionError("the tasks never ended"))
        loop.stop()

    for place, task in enumerate(tasks):
        loop.spawn(kept(place, task))
    loop.spawn(limit())
    with contextlib.closing(loop):
        loop.run()
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(tasks))]
