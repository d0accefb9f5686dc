"""A request may take for ever.

Breaks SC-217.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_supervision.py::test_a_request_that_takes_too_long_kills_its_worker",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.harakiri:late_core",
        "deadline <= now",
        "False",
    )
