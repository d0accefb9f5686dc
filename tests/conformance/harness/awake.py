"""Cases that send signals: first every worker has to be where it can hear them.

What: a worker that was just born may lose a signal (uWSGI's does); one that has a request does not.
"""

from .client import Client, request
from .subject import Subject


def awake(subject: Subject, cores: int, address: str = "") -> None:
    """Have every core of the subject, which runs the shared app, in a request; let them all go."""
    where = address or subject.port
    clients = [Client(where, request("/hold/awake")) for _ in range(cores)]
    try:
        subject.wait_inside("awake", cores)
        subject.let_go("awake")
        assert [client.rest().text for client in clients] == ["held awake"] * cores
    finally:
        for client in clients:
            client.sock.close()
