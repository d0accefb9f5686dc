"""The stats have no offloaded_requests.

Breaks OF-170, SC-308.
"""

from tests.mutants.edit import edit

CASES = ("offloading/test_stats_server.py::test_the_keys_of_the_parts[workers.cores-keys1]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.stats:_core",
        '"offloaded_requests": core.offloaded,',
        "",
    )
