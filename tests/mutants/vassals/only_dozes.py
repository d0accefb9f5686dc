"""die-on-idle stops the workers, and nothing else.

Breaks OD-60.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_idle.py::test_without_an_emperor_die_on_idle_ends_the_server",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.idle:Idle.__init__",
        "Decision.SLEEP if not die else Decision.GOODBYE if emperor else Decision.END",
        "Decision.SLEEP",
    )
