"""What /proc tells about processes and sockets: nobody is asked, nothing is disturbed.

What: the tree below a process, the processes that carry a case's mark, thread names, and whether
      anybody listens on an address (so that waiting for a server costs it no connection).
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from .errors import Late

LIMIT = 25.0
"""Seconds that anything may take on a busy machine."""

STARTING = 60.0
"""Seconds until a server is ready for a case to begin: no claim hangs on them."""

HURRIED = 2.0
"""Seconds for what a binary is known not to do: that it does not come need not take so long."""

_most = [float("inf")]

T = TypeVar("T")


def hurry(on: bool) -> None:
    """Wait no longer than HURRIED from now on, or again as long as asked for."""
    _most[0] = HURRIED if on else float("inf")


def allowed(limit: float) -> float:
    """The seconds that something may take now."""
    return min(limit, _most[0])


def eventually(check: Callable[[], T | None], what: str = "", limit: float = LIMIT) -> T:
    """Call `check` until it returns something true and return that; `Late` after the limit."""
    limit = allowed(limit)
    end = time.monotonic() + limit
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise Late(f"not within {limit:g} s: {what or getattr(check, '__name__', check)}")
        time.sleep(0.02)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, state first; empty if there is no such pid."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def parent(pid: int) -> int:
    """The parent's pid, 0 if there is no such process."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def children(pid: int) -> list[int]:
    """The living children of a process."""
    return sorted(p for p in _pids() if parent(p) == pid and alive(p))


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid] if alive(pid) else []
    for child in children(pid):
        found += tree(child)
    return found


def marked(mark: str, session: int) -> list[int]:
    """The living processes whose environment holds `mark` or that belong to the session."""
    wanted = mark.encode()
    found = []
    for pid in _pids():
        fields = _stat(pid)
        if not fields or fields[0] in "ZX" or pid == os.getpid():
            continue
        try:
            ours = int(fields[3]) == session or wanted in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if ours:
            found.append(pid)
    return found


def kill(pids: list[int], sig: int = signal.SIGKILL) -> None:
    """Signal each of the processes that still exist."""
    for pid in pids:
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass


def threads(pid: int) -> int:
    """How many threads the process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid: int) -> int:
    """How many descriptors the process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def title(pid: int) -> str:
    """The command line as `ps` shows it."""
    raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def listening(address: str | int) -> bool:
    """Whether a socket listens on a port of this machine, on a path, or on an @abstract name."""
    text = str(address)
    port = text.rpartition(":")[2]
    if "/" not in text and port.isdigit():
        return any(_listening_port(table, int(port)) for table in ("tcp", "tcp6"))
    names = {text, text + "@"}
    for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[3] == "00010000" and fields[7] in names:
            return True
    return False


def _listening_port(table: str, port: int) -> bool:
    try:
        lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    except OSError:
        return False
    ending = f":{port:04X}"
    return any(f[1].endswith(ending) and f[3] == "0A" for f in map(str.split, lines))
