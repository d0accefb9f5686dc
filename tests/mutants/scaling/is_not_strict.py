"""strict accepts what it does not know.

Breaks SC-270.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_configuration.py::test_strict_refuses_unknown_keys[True]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.cli_judge:is_strict",
        "not _is_off(setting)",
        "False",
    )
