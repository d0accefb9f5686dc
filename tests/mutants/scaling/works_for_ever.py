"""max-requests means nothing.

Breaks SC-220.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_supervision.py::test_a_worker_that_has_served_enough_is_replaced",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.limits:Limits.reached",
        "served >= self.requests",
        "False",
    )
