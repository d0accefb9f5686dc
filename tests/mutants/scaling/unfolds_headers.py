"""A line that begins with a blank is a header of its own.

Breaks SC-360.
"""

from tests.mutants.edit import edit

CASES = (
    "scaling/test_strict_heads.py::test_what_could_mean_two_things_is_refused[http-socket-a folded line]",  # noqa: E501
    "scaling/test_strict_heads.py::test_what_could_mean_two_things_is_refused[http-socket-a blank before the colon]",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http:_key_of",
        "not only(name, TOKEN)",
        "not only(name.strip(), TOKEN)",
    )
