"""HTTP_HOST comes before UWSGI_FASTROUTER_KEY.

Breaks FR-160, FR-161.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_notes.py::test_which_var_is_the_key[pairs0-key]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.notes:key_of",
        "in KEYS",
        "in KEYS[1:] + KEYS[:1]",
    )
