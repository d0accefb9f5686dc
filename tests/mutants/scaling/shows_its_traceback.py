"""The client sees where the application failed.

Breaks SC-155.
"""

from tests.mutants.edit import edit

CASES = (
    "scaling/test_application_answers.py::test_the_traceback_is_logged_and_never_sent[http-socket]",
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.serving:_apologize",
        "if not manners.show:",
        "if False:",
    )
