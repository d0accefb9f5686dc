"""The sockets of vassals have a queue of one.

Breaks OD-8.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_on_demand.py::test_the_queue_has_the_length_that_the_emperor_was_told",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.on_demand:open_door",
        "backlog=backlog",
        "backlog=1",
    )
