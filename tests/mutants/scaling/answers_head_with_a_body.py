"""The body of the application's answer goes out to HEAD, too.

Breaks SC-178.
"""

from tests.mutants.edit import edit

CASES = (
    "scaling/test_application_answers.py::test_an_answer_to_head_has_no_body[http-socket-with_body]",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.fields:has_no_body",
        'method == "HEAD" or ',
        "",
    )
