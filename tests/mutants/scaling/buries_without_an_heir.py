"""A worker that was killed stays dead.

Breaks SC-210, SC-211.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_supervision.py::test_a_killed_worker_is_replaced_in_its_slot",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.lives:Lives._mind_worker",
        "if slot.wanted and self._master.serving:",
        "if False:",
    )
