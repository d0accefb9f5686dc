"""The name of a socket goes on after its line.

Breaks OD-30, OD-31.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_rules.py::test_the_file_beside_the_vassal_names_the_socket[\\n]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.socket_name:socket_name",
        "CONTROL.split(read, maxsplit=1)[0]",
        "read",
    )
