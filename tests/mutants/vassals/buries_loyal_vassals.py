"""A loyal vassal that dies is forgotten.

Breaks OD-85.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_vassals.py::test_the_socket_survives_a_crash",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.lifecycle:step",
        "return STEPS[state, event]",
        "if (state, event) == (S.SERVING, E.DIED):\n"
        "            return S.GONE, Do.DROP\n"
        "        return STEPS[state, event]",
    )
