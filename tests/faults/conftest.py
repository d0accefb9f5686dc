"""Fixtures of the fault tests: whole servers that are harmed."""

from collections.abc import Iterator

import pytest

from tests.conformance.harness import Starter


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start servers that live as long as the test; what they leave behind fails it."""
    yield from _starter()


@pytest.fixture(scope="module")
def start_module() -> Iterator[Starter]:
    """Start servers that live as long as the module's tests."""
    yield from _starter()


def _starter() -> Iterator[Starter]:
    starter = Starter()
    try:
        yield starter
    finally:
        starter.close()
