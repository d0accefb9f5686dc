"""A POST to the path of a file gets the file.

Breaks OF-54.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_other_methods_are_the_apps[-POST]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_files:StaticFiles.__call__",
        'not in ("GET", "HEAD")',
        'not in ("GET", "HEAD", "POST")',
    )
