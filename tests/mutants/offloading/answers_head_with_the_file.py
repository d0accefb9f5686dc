"""HEAD gets the file, too.

Breaks OF-53.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_static_files.py::test_head_is_the_head_of_get",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.static_answer:send",
        'if not length or request.environ.get("REQUEST_METHOD") == "HEAD":',
        "if not length:",
    )
