"""A command in the name of a vassal is run.

Breaks OD-84.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_rules.py::test_a_name_with_a_command_in_it_is_data",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.on_demand_exec:ByCommand._start",
        '{self._command} "$1"\'',
        "{self._command} {os.path.abspath(vassal)}'",
    )
