"""There is no REMOTE_ADDR.

Breaks SC-143.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_environ.py::test_the_peer_is_known[http-socket]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.http_socket:HttpDoor.receive",
        'environ["REMOTE_ADDR"] = ',
        'environ["REMOTE_ADDRESS"] = ',
    )
