"""A packet that breaks the format reaches the node.

Breaks FR-1, FR-2.
"""

from tests.mutants.edit import edit

CASES = (
    "fastrouter/test_getting_started.py::test_a_malformed_packet_is_closed_without_a_byte[long value]",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.notes:found_in",
        "if place != end:",
        "if False:",
    )
    edit(
        "refuwsgi.fastrouter.notes_alike:AlikeNotes._unlike",
        "self._learn(block, asked)",
        "pass",
    )
