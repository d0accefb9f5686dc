"""Of several static nodes the first has all requests.

Breaks FR-60.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_static_nodes.py::test_static_nodes_take_turns",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.static_nodes:To.choose",
        "(self.turn + 1) % len(self.nodes)",
        "0",
    )
