"""Of two Content-Lengths the last counts.

Breaks SC-360.
"""

from tests.mutants.edit import edit

CASES = (
    "scaling/test_strict_heads.py::test_what_could_mean_two_things_is_refused[http-socket-two lengths]",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http:_joined",
        'if key in ("CONTENT_LENGTH", "HTTP_HOST", "HTTP_TRANSFER_ENCODING"):',
        'if key == "CONTENT_LENGTH":\n'
        "        return value\n"
        '    if key in ("HTTP_HOST", "HTTP_TRANSFER_ENCODING"):',
    )
