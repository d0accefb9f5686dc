"""A client that has the file of this very second gets it again.

Breaks OF-52.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_the_date_that_was_told_is_late_enough",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_answer:_unchanged",
        "int(changed) <= seconds",
        "int(changed) < seconds",
    )
