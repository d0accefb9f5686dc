"""Only the router process that heard an announcement knows of it.

Breaks FR-81, FR-186.
"""

from tests.mutants.edit import edit

CASES = (
    "fastrouter/test_way4_subscription_server.py::test_every_router_process_hears_every_announcement",  # noqa: E501
)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.fastrouter.way4_subscription_server:Receiver.take",
        "for inbox in self._others:",
        "for inbox in ():",
    )
