"""Processes are asked for, and one is started.

Breaks SC-21.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_processes_and_threads.py::test_so_many_workers_are_spawned[processes = 3]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.master:Master.run",
        "slot.number <= self.initial",
        "slot.number <= 1",
    )
