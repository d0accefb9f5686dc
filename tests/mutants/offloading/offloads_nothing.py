"""The threads are there, and the worker does all the work.

Breaks OF-10, OF-12.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_threads.py::test_what_is_counted",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.threads:OffloadThreads.program",
        "if not self._threads:",
        "if True:",
    )
