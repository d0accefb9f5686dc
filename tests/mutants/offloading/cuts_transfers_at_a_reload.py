"""A graceful end of a worker cuts what its threads are sending.

Breaks OF-28.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_transfers.py::test_a_graceful_reload_lets_transfers_finish",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.workers:Worker.run",
        "offloading.drain(self._plan.mercy)",
        "os._exit(PLANNED)",
    )
