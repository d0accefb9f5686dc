"""readline() of wsgi.input stops at the second end of a line.

Breaks SC-185, SC-189.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_wsgi_input.py::test_reading[http-socket-lines-pieces3]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.body:Input.readline",
        "end = end or len(held)",
        'end = held.find(b"\\n", end) + 1 or end or len(held)',
    )
