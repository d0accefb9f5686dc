"""buffer-size means nothing.

Breaks SC-64, OF-180.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_http_socket.py::test_buffer_size_is_the_limit",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.http_socket:HttpDoor.__init__",
        "self.limit = limit",
        "self.limit = 1 << 20",
    )
