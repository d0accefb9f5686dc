"""lrc takes the busiest node.

Breaks FR-87.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_balancing.py::test_least_running_requests[lrc]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.balancing:lrc",
        "return min(",
        "return max(",
    )
