"""Fixtures of the fault tests: whole servers, started as in the integration suite."""

from tests.integration.conftest import start, start_module

__all__ = ["start", "start_module"]
