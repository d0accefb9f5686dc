"""No file has a type.

Breaks OF-49.
"""

from tests.mutants.edit import edit

CASES = (
    "offloading/test_static_files.py::test_the_type_comes_from_the_extension[-/a.txt-text/plain]",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.mime:Types.type_of",
        "self._by_extension.get(extension) if dot else None",
        "None",
    )
