"""One request gets two answers.

Breaks SC-60.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_http_socket.py::test_one_request_for_each_connection",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.cores:Core._converse",
        "self._serve(request, door)",
        "self._serve(request, door); request.fd < 0 or self._serve(request, door)",
    )
