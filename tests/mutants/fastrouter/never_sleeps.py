"""A cheap router accepts before there is a node.

Breaks FR-112, FR-113.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_cheap_mode.py::test_requests_wait_until_a_node_comes",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.cheap_mode:configured",
        "config[CHEAP] and subscriptions",
        "False",
    )
