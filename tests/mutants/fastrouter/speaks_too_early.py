"""The node hears of a request before its body is there.

Breaks FR-121.
"""

from tests.mutants.edit import edit

CASES = (
    "fastrouter/test_post_buffering.py::test_not_even_a_connection_is_made_before_the_last_byte",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.post_buffering:configured",
        "if limit else None",
        "if False else None",
    )
