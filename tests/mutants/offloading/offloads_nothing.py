"""The threads are there, and the worker does all the work.

Breaks OF-10, OF-12.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_threads.py::test_what_is_counted",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.threads:OffloadThreads._ends_at_once",
        "not self._threads",
        "True",
    )
    edit(
        "refuwsgi.offloading.threads:OffloadThreads._hand_over",
        "if self._threads",
        "if False",
    )
