"""Cheaper keeps the workers that it once started.

Breaks SC-41.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_cheaper.py::test_idle_workers_leave_until_the_minimum",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.cheaper_algorithms:Spare.decide",
        "return -1",
        "return 0",
    )
