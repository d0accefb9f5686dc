"""A part of a file is sent though honour-range is not set.

Breaks OF-56.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_a_range_is_ignored_unless_honoured",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_answer:Answers._part_of",
        "not self.honour_range or ",
        "",
    )
