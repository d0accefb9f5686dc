"""A big file ends before its last bytes.

Breaks OF-24.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_transfers.py::test_many_readers_get_the_same_bytes",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.engines:FileEngine.__init__",
        "self._left = length",
        "self._left = length and max(1, length - 1000)",
    )
