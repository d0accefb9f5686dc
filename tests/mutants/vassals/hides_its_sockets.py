"""Nobody but the emperor's user may connect.

Breaks OD-6.
"""

from tests.mutants.edit import edit

CASES = (
    "vassals/test_on_demand.py::test_everybody_may_connect_and_what_lay_at_the_path_is_replaced",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.vassals.on_demand:open_door",
        "mode=MODE",
        "mode=0o600",
    )
