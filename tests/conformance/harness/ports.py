"""Ports that nobody else takes, however many runs share the machine.

What: a port is claimed by a lock on a file of its number, in one directory for all runs of this
      user; the kernel releases the lock when the run dies.  The range lies below the ephemeral
      one, so no outgoing connection can sit on a claimed port either.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

import pytest

from .errors import HarnessFailed

FIRST, LAST = 10000, 30000

_claimed: dict[int, int] = {}
"""port -> descriptor of its lock; kept until this process ends."""


def free_port() -> int:
    """Claim a port of 127.0.0.1 on which nothing listens, for the rest of this run."""
    directory = Path(tempfile.gettempdir()) / f"conformance-ports-{os.getuid()}"
    directory.mkdir(exist_ok=True)
    for port in random.sample(range(FIRST, LAST), 500):
        if port not in _claimed and _claim(directory / str(port), port):
            return port
    raise HarnessFailed("no free port among 500")


def _claim(path: Path, port: int) -> bool:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    if not _bindable(port):
        os.close(lock)
        return False
    _claimed[port] = lock
    return True


def _bindable(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind(("", port))
            except OSError:
                return False
    return True


def need_ipv6() -> None:
    """Skip where the kernel has no IPv6: [::1] cannot be bound."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("the kernel: no IPv6")
