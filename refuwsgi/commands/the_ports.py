"""Ports that are free at the moment.

Section: ground / the command; free ports
What: no port is given twice.  They lie below those that the kernel gives to outgoing connections,
      so that none of these can take one between the look and the bind; where to begin depends on
      the process, so that two commands at the same time do not choose the same.
"""

import os
import socket
from typing import Final

FIRST: Final = 4000
LAST: Final = 9990
STEP: Final = 20  # between the beginnings of two processes that follow each other

_given: set[int] = set()  # by this process


def free_ports(count: int) -> list[int]:
    """Find ports of 127.0.0.1 on which nothing listens, for TCP and for UDP."""
    span = LAST - FIRST
    begin = os.getpid() * STEP
    found: list[int] = []
    for offset in range(span):
        port = FIRST + (begin + offset) % span
        if port not in _given and _is_free(port):
            found.append(port)
        if len(found) == count:
            _given.update(found)
            return found
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
