"""Every offloaded request counts as two.

Breaks OF-10, OF-12.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_threads.py::test_what_is_counted",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.threads:OffloadThreads._ends_at_once",
        "request.core.offloaded += 1",
        "request.core.offloaded += 2",
    )
    edit(
        "refuwsgi.offloading.threads:_count",
        "+= 1",
        "+= 2",
    )
