"""limit-post means nothing.

Breaks SC-190.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_wsgi_input.py::test_a_body_above_the_limit_is_refused",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.wsgi.serving:Serving._body",
        "if self._limit:",
        "if False:",
    )
