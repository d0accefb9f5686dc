"""Threads are announced, and one core serves.

Breaks SC-22.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_processes_and_threads.py::test_the_threads_have_names",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.workers:Worker._serve",
        "if len(cores) == 1:",
        "if cores:",
    )
