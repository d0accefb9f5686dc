"""A path arrives with its escapes.

Breaks OF-190.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_wire.py::test_the_path_is_decoded",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http_target:path_of",
        'if "%" in path:',
        "if False:",
    )
