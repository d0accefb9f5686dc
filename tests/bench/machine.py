"""What the machine is like: two costs that no server can change, for whoever compares ratios.

What: the kernel's share of a hello, by a server in C that reads and answers and does nothing
      else; Python's speed, by the reading of one packet of 17 vars with nothing remembered.  A
      ratio to a server written in C depends on how these two go together: where Python is slow
      beside the kernel, every server in Python looks dearer than elsewhere.
Units: microseconds of the processor.
"""

from __future__ import annotations

import os
import platform
import timeit

from refuwsgi.protocol.uwsgi import environ_of
from tests.bench import cpu, wire
from tests.bench.stage import Figures, Stage

TIMES = 15


def described() -> str:
    """The machine, in words."""
    cores = f"{os.cpu_count()} cores of {cpu.model()}"
    load = f"load average {os.getloadavg()[0]:.0f} at the start"
    return f"{platform.platform()}, {cores}, Python {platform.python_version()}, {load}"


def references(stage: Stage) -> Figures:
    """What the kernel and Python cost here."""
    address = f"{wire.LO}:{stage.port()}"
    server = stage.sink(address)
    cost = stage.cost(server, address, stage.frames(wire.many_http()), "-c", 8)
    packets = [packet[4:] for packet in wire.many_packets()]
    best = min(
        timeit.repeat(lambda: [environ_of(each) for each in packets], number=1, repeat=TIMES)
    )
    return {"kernel_us": cost["cpu_us"], "python_us": best / len(packets) * 1e6}
