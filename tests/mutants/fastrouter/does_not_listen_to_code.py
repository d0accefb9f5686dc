"""What the operator's function answers is ignored.

Breaks FR-52, FR-50.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way5_use_code_string.py::test_way_5_the_first_script_of_the_document",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.way5_use_code_string:UseCodeString.node_for",
        "isinstance(answer, bytes)",
        "False",
    )
