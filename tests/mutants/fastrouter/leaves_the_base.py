"""A key may lead out of the directory.

Breaks FR-32.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_way1_use_base.py::test_a_hostile_key_has_no_node[../outside]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.way1_use_base:is_tame",
        'not (b"/" in key or b"\\0" in key or key.startswith(b".")) and ',
        'b"\\0" not in key and ',
    )
