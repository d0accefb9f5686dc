"""What it costs to leave files to a thread."""

import os
from pathlib import Path

from tests.conformance.harness import WORKER, Starter, covers, get

LARGE, TINY = 16 << 20, 1024
FILES: dict[str, str | bytes] = {"www/large.bin": bytes(LARGE), "www/tiny.bin": bytes(TINY)}
SITE = "http-socket = 127.0.0.1:PORT\nmodule = case_app\ncheck-static = DIR/www\n"
TICKS = os.sysconf("SC_CLK_TCK")


def spent(pid: int) -> float:
    """Seconds of processor time of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cost(start: Starter, threads: int) -> list[float]:
    """Processor time of 64 MiB in large files, and of 100 tiny files."""
    subject = start(f"{SITE}offload-threads = {threads}\n", files=FILES, until=WORKER)
    pid, found = subject.worker(), []
    for path, size, times in (("/large.bin", LARGE, 4), ("/tiny.bin", TINY, 100)):
        before = spent(pid)
        for _ in range(times):
            assert len(get(subject.port, path).body) == size
        found.append(spent(pid) - before)
    return found


@covers("OF-29")
def test_a_thread_costs_about_the_same(start: Starter) -> None:
    """The rate is the machine's; processor time is the server's, here with much room."""
    large, tiny = cost(start, 0)
    large_by_thread, tiny_by_thread = cost(start, 1)
    print(
        f"large {large:.2f} -> {large_by_thread:.2f} s, tiny {tiny:.2f} -> {tiny_by_thread:.2f} s"
    )
    assert large_by_thread < 3 * large + 0.5
    assert tiny_by_thread < 5 * tiny + 0.5
