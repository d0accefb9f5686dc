"""Ports that nobody else takes, however many runs share the machine.

What: a port is claimed by a lock on the byte of its number, in one file for all runs of this user;
      the kernel releases the locks when the run dies.  The range lies below the ephemeral one, so
      no outgoing connection can sit on a claimed port either.
"""

import fcntl
import functools
import os
import random
import socket

import pytest

from .errors import HarnessFailed

FIRST, LAST = 10000, 30000

_claimed: set[int] = set()
"""The ports of this process; their locks are kept until it ends."""


def free_port() -> int:
    """Claim a port of 127.0.0.1 on which nothing listens, for the rest of this run."""
    for port in random.sample(range(FIRST, LAST), 500):
        if port not in _claimed and _claim(port):
            return port
    raise HarnessFailed("no free port among 500")


@functools.cache
def _locks() -> int:
    """The file of the locks, opened once: closing another descriptor of it would free them all."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(f"/tmp/conformance-ports-{os.getuid()}.lock", flags, 0o600)


def _claim(port: int) -> bool:
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    if not _bindable(port):
        fcntl.lockf(_locks(), fcntl.LOCK_UN, 1, port)
        return False
    _claimed.add(port)
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
