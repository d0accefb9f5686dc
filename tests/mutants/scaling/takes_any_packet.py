"""A packet that is larger than buffer-size is served.

Breaks SC-310, SC-311.
"""

from tests.mutants.edit import edit

CASES = ("scaling/test_bad_packets.py::test_a_bad_packet_ends_its_connection[too large]",)


def apply() -> None:
    """Change the server."""
    edit(
        "refuwsgi.scaling.uwsgi_socket:UwsgiDoor._whole",
        "size > self.limit",
        "False",
    )
