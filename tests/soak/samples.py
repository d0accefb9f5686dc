"""What the processes of a soak have: counted from outside, every few seconds."""

import os
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from refuwsgi.gateway_stores import IDLE
from tests.conformance.harness import Subject, threads

KEPT = 2 * 2 * IDLE
"""Ends of the pipes that two routers keep for the next body, if there was one before."""

PSS = re.compile(r"^Pss: +(\d+) kB", re.M)


class Sample(NamedTuple):
    """One look."""

    at: float  # seconds since the beginning
    processes: int
    threads: int
    descriptors: int  # but for those of pipes
    memory: float  # megabytes: each page divided by how many share it
    files: int  # temporary files: those with a name, and those without
    requests: int  # answered so far
    pipes: int  # descriptors of pipes


def taken(subjects: Sequence[Subject], temporary: Path, began: float, requests: int) -> Sample:
    """Look at every process; one that ends meanwhile counts as far as it was seen."""
    pids = [pid for subject in subjects for pid in subject.family()]
    counted = [0, 0, 0, 0]  # threads, descriptors, files, ends of pipes
    memory = 0
    for pid in pids:
        try:
            names = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
            found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
            counted[0] += threads(pid)
        except OSError:
            continue
        pipes = sum(name.startswith("pipe:") for name in names)
        counted[1] += len(names) - pipes
        counted[2] += sum(name.startswith(str(temporary)) for name in names)
        counted[3] += pipes
        memory += int(found[1]) if found else 0
    files = counted[2] + len(os.listdir(temporary))
    at = round(time.monotonic() - began, 1)
    megabytes = round(memory / 1024, 2)
    used = (len(pids), counted[0], counted[1], megabytes, files)
    return Sample(at, *used, requests, counted[3])


def grown(before: Sample, after: Sample, samples: Sequence[Sample]) -> list[str]:
    """What is more at the end than it was at the beginning, beyond what noise explains.

    Memory is compared under load.
    """
    said = []
    noises = {"processes": 0, "threads": 0, "descriptors": 2, "files": 0, "pipes": KEPT}
    for name, noise in noises.items():
        more = getattr(after, name) - getattr(before, name)
        if more > noise:
            said.append(f"{name}: {more} more")
    early = statistics.median(s.memory for s in samples[len(samples) // 10 : len(samples) // 3])
    late = statistics.median(s.memory for s in samples[-len(samples) // 3 :])
    if late > early * 1.03 + 1.0:
        said.append(f"memory: {early} MB became {late} MB under load")
    return said
