"""All nodes have the same share.

Breaks FR-86.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_balancing.py::test_round_robin_by_weight[weights1-3123331233]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.balancing:wrr",
        "node.weight // smallest",
        "1",
    )
    edit(
        "refuwsgi.fastrouter.subscribed:Rounds.begin",
        "node.weight // smallest",
        "1",
    )
