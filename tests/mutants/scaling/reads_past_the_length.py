"""wsgi.input goes on after the Content-Length.

Breaks SC-99d, SC-185.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_wsgi_input.py::test_reading_ends_at_the_content_length[http-socket]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.request:SizedBody.__init__",
        "self._held = held[:size]",
        "self._held = held",
    )
    edit(
        "refuwsgi.request:SizedBody.__init__",
        "self.left = size",
        "self.left = max(size, len(held))",
    )
