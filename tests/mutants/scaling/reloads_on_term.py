"""die-on-term means nothing.

Breaks SC-232.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_signals.py::test_term_may_end[die-on-term = true]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.orders:meanings",
        "config[DIE_ON_TERM] or _contained()",
        "False",
    )
