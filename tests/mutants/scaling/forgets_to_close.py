"""close() of what the application returned is not called.

Breaks SC-172.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_application_answers.py::test_close_is_called[http-socket-closes]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.serving:_close",
        "if close is None:",
        "if True:",
    )
