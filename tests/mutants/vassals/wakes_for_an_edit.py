"""A change of its config starts a vassal that sleeps.

Breaks OD-4.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_on_demand.py::test_a_change_does_not_start_it_and_the_next_start_reads_it",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.lifecycle:step",
        "return STEPS[state, event]",
        "return STEPS[state, E.WAKE if (state, event) == (S.ASLEEP, E.CHANGED) else event]",
    )
