"""A client whose copy is as new as the file gets it again.

Breaks OF-52.
"""

from tests.mutants.edit import edit

CASES = (
    "offloading/test_static_files.py::test_if_modified_since[-Sat, 01 Jan 2033 00:00:00 GMT-304]",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_answer:_unchanged",
        "int(changed) <= seconds",
        "int(changed) > seconds",
    )
