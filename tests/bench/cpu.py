"""The processor time of a process with all its children and threads, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def tree(root: int) -> set[int]:
    """The pids of a process and of all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_fields(int(entry.name))[1])
            except OSError:
                continue  # it has ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def used(root: int) -> float:
    """Seconds of processor time that a tree has used so far, its dead children included."""
    return sum(_of(pid) for pid in tree(root))


def _of(pid: int) -> float:
    try:
        dead = sum(map(int, _fields(pid)[13:15])) * TICK
        threads = (PROC / str(pid) / "task").iterdir()
        return dead + sum(_thread(task) for task in threads)
    except OSError:
        return 0.0


def _thread(task: Path) -> float:
    """The first number of schedstat: nanoseconds on a processor, finer than the ticks of stat."""
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _fields(pid: int) -> list[str]:
    """What stands in stat behind the name, which may hold spaces: state, ppid, ..."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def model() -> str:
    """What the processor calls itself, if the kernel tells."""
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return "an unknown processor"
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else "an unknown processor"
