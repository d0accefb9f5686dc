"""What the tests look at from outside: signal handlers, zombies, limits of a process."""

import os
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.M)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def zombies(parent: int) -> list[int]:
    """The children of a process that have ended and were not reaped."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] == "Z" and int(fields[1]) == parent:
            found.append(int(name))
    return found


def interrupt_group(pid: int) -> None:
    """Do what a terminal does at Ctrl-C: SIGINT to every process of the group."""
    os.killpg(pid, signal.SIGINT)


def limit_descriptors(pid: int, soft: int) -> None:
    """Set how many descriptors a running process may have."""
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def many_descriptors(wanted: int) -> Iterator[None]:
    """Let this process, and what it starts meanwhile, have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    enough = wanted if unlimited or hard >= wanted else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
