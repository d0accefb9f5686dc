"""A connection is kept for a client that wants it closed.

Breaks SC-76, SC-363.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_http_socket.py::TestKept::test_http11_socket_closes_at_once_if_asked[old]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.protocol.http:_framed",
        'keep = modern and (connection is None or not _lists(connection, "close"))',
        "keep = True",
    )
