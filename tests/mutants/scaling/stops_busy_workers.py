"""Cheaper takes a worker in the middle of its request.

Breaks SC-39, SC-49.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_cheaper.py::test_a_busy_worker_is_never_stopped",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.cheaper:Cheaper._stop",
        "and not master.board.busy",
        "and master.board.busy",
    )
    edit(
        "refuwsgi.scaling.cheaper:Cheaper._stop",
        "signal.SIGHUP",
        "signal.SIGINT",
    )
