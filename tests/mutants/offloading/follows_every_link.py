"""A link may lead out of the directory.

Breaks OF-63, OF-65.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_nothing_outside_is_served[-/escape]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_paths:Places._allowed",
        "root.admits(real)",
        "True",
    )
