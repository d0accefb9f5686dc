"""start_response() with exc_info after the first byte is fine.

Breaks SC-61, SC-155.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_application_answers.py::test_an_answer[http-socket-fails_too_late]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.answer:Answer.start_response",
        "raise exc_info[1].with_traceback(exc_info[2])",
        "return self.write",
    )
