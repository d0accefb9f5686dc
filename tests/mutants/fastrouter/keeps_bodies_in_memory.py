"""A body larger than the limit is kept in memory all the same.

Breaks FR-122.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_post_buffering.py::test_a_big_body_lies_in_a_file_without_a_name",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.post_buffering:PostBuffering.keep",
        "size <= self._limit",
        "size",
    )
    edit(
        "refuwsgi.fastrouter.post_buffering:PostBuffering._in_memory",
        "self._limit <= LARGEST_POOLED",
        "False",
    )
