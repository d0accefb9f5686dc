"""An item of the cache never expires.

Breaks OF-146.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_cache.py::test_lazy_items_expire_at_access",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.cache.store:Cache._over",
        "0 < until <= now and not self.manners.no_expire",
        "False",
    )
    edit(
        "refuwsgi.cache.memory:Memory.expired",
        "0 < until <= now and item",
        "False",
    )
