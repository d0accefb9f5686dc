"""An announcement without a signature counts.

Breaks FR-101, FR-103.
"""

from tests.mutants.edit import edit

CASES = ("fastrouter/test_signatures.py::test_only_what_is_signed_is_believed",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.sign_check:Signatures.believes",
        "if not said.sign or not self._is_signed(said):",
        "if not said.sign:\n        return True\n    if not self._is_signed(said):",
    )
