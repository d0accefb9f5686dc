"""A vassal inherits what the emperor has open.

Breaks OD-12.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_on_demand.py::test_a_vassal_inherits_nothing_else",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.spawn:_clean",
        "processes.close_descriptors(kept)",
        "pass",
    )
