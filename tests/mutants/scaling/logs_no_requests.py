"""Requests leave no line in the log.

Breaks OF-194, SC-301.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_log.py::test_the_line_of_a_request",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.cores:Core._serve",
        "self._log_request is not None and request.log",
        "False",
    )
