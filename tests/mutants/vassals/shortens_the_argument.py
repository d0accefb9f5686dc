"""The command gets the name without the path.

Breaks OD-41.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_rules.py::test_the_argument_is_the_full_path",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.on_demand_exec:ByCommand._start",
        "[*argv, os.path.abspath(vassal),",
        "[*argv, os.path.basename(vassal),",
    )
