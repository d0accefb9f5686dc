"""A full cache drops the oldest item, however often it is used.

Breaks OF-145.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_cache.py::test_the_least_recently_used_goes",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.cache.memory:Memory.hit",
        "self.shape.lru and",
        "False and",
    )
