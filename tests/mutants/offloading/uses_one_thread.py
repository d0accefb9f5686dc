"""All tasks go to the first offload thread.

Breaks OF-7.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_threads.py::test_the_threads_take_turns",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.offloading.threads:OffloadThreads._next",
        "(turn + 1) % self._count",
        "turn",
    )
