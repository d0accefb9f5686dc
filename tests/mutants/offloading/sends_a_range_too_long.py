"""A range ends one byte after its last.

Breaks OF-57, OF-58.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_options.py::TestRanges::test_one_range",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_ranges:wanted",
        "min(int(end), size - 1)",
        "min(int(end) + 1, size - 1)",
    )
