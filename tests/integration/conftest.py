"""Fixtures of the integration suite: whole servers, real programs around them."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conformance.harness import Starter


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start servers that live as long as the test; what they leave behind fails it."""
    with closing(Starter()) as starter:
        yield starter


@pytest.fixture(scope="module")
def start_module() -> Iterator[Starter]:
    """Start servers that live as long as the module's tests."""
    with closing(Starter()) as starter:
        yield starter
