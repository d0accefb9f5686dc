"""There is no REMOTE_ADDR.

Breaks SC-143.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_environ.py::test_the_peer_is_known[http-socket]",)


def apply() -> None:
    """Change the server."""
    for way in ("receive", "_receive"):
        edit(
            f"refuwsgi.scaling.http_socket:HttpDoor.{way}",
            'environ["REMOTE_ADDR"] = ',
            'environ["REMOTE_ADDRESS"] = ',
        )
