"""Ways to harm a running server: a disk that is full, limits that are too low."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MEGABYTE = 1 << 20


@contextlib.contextmanager
def tiny_disk(place: Path) -> Iterator[Path]:
    """A disk of one megabyte; where nobody lets us mount one the test is skipped by name."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("the kernel: no disk may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte; the file that does it."""
    path = disk / "filler"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


NO_FORK = """
import os, case_app
application = case_app.application
def fork(before=os.fork):
    if os.path.exists(os.environ["CASE_DIR"] + "/no.fork"):
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return before()
os.fork = fork
"""
"""An application that, imported by the master, makes it unable to fork while a file exists.

The kernel would do so for RLIMIT_NPROC, but only to processes without root's rights, which in
turn a test cannot always set limits of.
"""
