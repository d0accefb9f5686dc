"""An instance that ends does not say so to its router.

Breaks FR-98.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_subscriptions_in_time.py::test_an_instance_that_ends_says_goodbye[2-]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.subscribe_to:Subscriber.withdraw",
        "for entry in self._entries:",
        "for entry in ():",
    )
