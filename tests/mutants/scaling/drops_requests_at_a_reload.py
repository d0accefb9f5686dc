"""A graceful reload cuts the requests that run.

Breaks SC-233.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_reload.py::test_hangup_reloads_gracefully",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.workers:Worker._leave",
        "self.gate.leave()",
        "os._exit(PLANNED)",
    )
