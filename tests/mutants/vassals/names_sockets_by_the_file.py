"""The socket of myapp.ini is myapp.ini.socket.

Breaks OD-35, OD-36.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_rules.py::test_the_name_of_the_vassal_is_that_of_its_socket[myapp]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.on_demand_directory:ByDirectory.socket_for",
        "{name}.socket",
        "{name}.ini.socket",
    )
