"""vassal-set means nothing.

Breaks OD-73.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_vassals.py::test_the_command_line_of_a_vassal",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.spawn:configured",
        '*_words("--set", config[SET]),',
        "",
    )
