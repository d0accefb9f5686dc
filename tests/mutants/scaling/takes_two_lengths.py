"""Of two Content-Lengths, or two Hosts, the last counts.

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
        'raise HeadError(f"{key} comes twice")',
        "return value",
    )
