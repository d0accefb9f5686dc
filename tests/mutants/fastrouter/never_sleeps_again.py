"""A router without nodes stays awake.

Breaks FR-114, FR-115.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_cheap_mode.py::test_without_nodes_it_goes_cheap_again",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.cheap_mode:CheapMode.nodes_changed",
        "step is not None",
        "step is not None and step.accepts",
    )
