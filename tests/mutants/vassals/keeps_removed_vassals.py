"""A vassal whose file was removed goes on.

Breaks OD-65.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_rules.py::test_removing_a_sleeping_vassal_closes_its_socket",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.census:Census._follow",
        "for name in seen.gone:",
        "for name in ():",
    )
