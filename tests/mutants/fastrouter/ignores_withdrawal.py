"""A node that says goodbye stays.

Breaks FR-77.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way4_subscription_server.py::test_a_withdrawal_takes_a_node_out",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.slots:Table.withdraw",
        "if node.address == address:",
        "if False:",
    )
