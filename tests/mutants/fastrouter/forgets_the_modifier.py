"""What follows the comma of a node is lost.

Breaks FR-40, FR-41.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way3_use_cache.py::test_way_3_asks_the_cache",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.nodes:Node.parse",
        "modifier1=int(modifier)",
        "modifier1=0",
    )
