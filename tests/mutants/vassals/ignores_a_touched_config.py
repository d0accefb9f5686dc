"""A vassal is not reloaded when its config is touched.

Breaks OD-72, OD-78.
"""

from tests.mutants.edit import edit

CASES = (
    "vassals/test_vassals.py::test_touching_a_config_reloads_its_vassal_and_removing_it_stops_it",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.scan:changes",
        "each.modified > before.modified",
        "False",
    )
