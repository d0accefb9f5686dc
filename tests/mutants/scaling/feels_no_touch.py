"""touch-reload means nothing.

Breaks SC-242.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_reload.py::test_a_file_that_appears_is_an_event",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.touches:Touched.look",
        "self._order(master)",
        "pass",
    )
