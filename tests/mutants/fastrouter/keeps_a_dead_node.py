"""A node that refuses is asked again and again.

Breaks FR-79.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way4_subscription_server.py::test_a_node_that_refuses_is_taken_out",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.slots:Table.failed",
        "if not node.dead:",
        "if False:",
    )
    edit(
        "refuwsgi.fastrouter.slots:Table.failed",
        "self._remove_if_idle(node)",
        "pass",
    )
