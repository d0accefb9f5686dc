"""A server with a request in progress counts as idle.

Breaks OD-56.
"""

from tests.mutants.edit import edit

CASES = ("vassals/test_idle.py::test_a_request_keeps_its_server_from_falling_asleep",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.idle:Idle.decide",
        "seen.busy or ",
        "",
    )
