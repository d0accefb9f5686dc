"""The fallback nodes are not tried.

Breaks FR-62.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_static_nodes.py::test_fallback_nodes_are_tried_in_order",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.router_process:rules",
        "fallback=config[static_nodes.FALLBACK]",
        "fallback=()",
    )
