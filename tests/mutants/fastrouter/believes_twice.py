"""A signed packet that was overheard counts again.

Breaks FR-D6, FR-106.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_signatures.py::test_nothing_that_was_overheard_counts_twice",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.sign_check:Signatures.is_new",
        "if self.guard.is_new((said.key, said.address), said.unix, clock):",
        "if True:",
    )
