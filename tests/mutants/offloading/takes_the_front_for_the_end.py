"""The last n bytes of a file are its first.

Breaks OF-57, OF-58.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_options.py::TestRanges::test_one_range",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_ranges:wanted",
        "Range(max(0, size - int(end)), size - 1)",
        "Range(0, min(int(end), size) - 1)",
    )
