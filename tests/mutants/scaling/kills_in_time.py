"""Harakiri strikes long before the deadline.

Breaks SC-217.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_supervision.py::test_a_slow_request_that_is_in_time_is_answered",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.harakiri:late_core",
        "deadline <= now",
        "True",
    )
