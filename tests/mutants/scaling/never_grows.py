"""Cheaper starts no worker, however busy all are.

Breaks SC-37, SC-38.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_cheaper.py::test_when_all_are_busy_more_workers_come_and_go_again[spare]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.cheaper_algorithms:Spare.decide",
        "return min(self._step, seen.unborn)",
        "return 0",
    )
