"""A vassal on demand is started at once.

Breaks OD-3, OD-5.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_on_demand.py::test_the_emperor_starts_no_vassal_that_is_on_demand",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.vassal:Vassal.settle",
        "self._watch(self.door, '\"on demand\" instance detected')",
        "self._watch(self.door, '\"on demand\" instance detected')\n"
        "        self.realm.resting.add(self)",
    )
