"""Workers go on without their master.

Breaks SC-216.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_supervision.py::test_nobody_outlives_the_master[http-socket]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.workers:Worker._watch_master",
        "while os.read(self._life_line, 1):\n        pass",
        "return",
    )
