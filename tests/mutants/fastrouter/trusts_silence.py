"""A node that announces itself no more lives for ever.

Breaks FR-78.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way4_subscription_server.py::test_a_node_that_falls_silent_is_taken_out",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.slots:Table.choose",
        "now - slot.oldest <= self._tolerance",
        "True",
    )
    edit(
        "refuwsgi.fastrouter.slots:Table._of_slot",
        "now - node.last_check > self._tolerance",
        "False",
    )
    edit(
        "refuwsgi.fastrouter.slots:Table._expire",
        "now - node.last_check > self._tolerance",
        "False",
    )
