"""Content-Length beside Transfer-Encoding passes.

Breaks SC-360.
"""

from tests.mutants.edit import edit

CASES = (
    "scaling/test_strict_heads.py::test_what_could_mean_two_things_is_refused[http-socket-a length beside chunks]",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http:_framed",
        "length is not None or not modern",
        "not modern",
    )
