"""The connection that wakes a vassal is thrown away.

Breaks OD-1, OD-2.
"""

from tests.mutants.edit import edit

CASES = (
    "vassals/test_on_demand.py::test_the_first_connection_starts_the_vassal_and_it_serves_the_next_ones",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.vassal:Vassal._wake",
        "self._watcher = None",
        "self._watcher = None\n    door.sock.accept()[0].close()",
    )
