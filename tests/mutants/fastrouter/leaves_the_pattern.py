"""%s stays as it is.

Breaks FR-35, FR-36.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way2_use_pattern.py::test_way_2_puts_the_key_into_the_pattern",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.way2_use_pattern:pieces_of",
        'sign == "s"',
        'sign == "S"',
    )
