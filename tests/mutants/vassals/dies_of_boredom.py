"""idle alone ends the server.

Breaks OD-51, OD-52.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_idle.py::test_without_an_emperor_idle_stops_the_workers",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.idle:Idle.__init__",
        "Decision.SLEEP if not die else Decision.GOODBYE if emperor else Decision.END",
        "Decision.GOODBYE if emperor else Decision.END",
    )
