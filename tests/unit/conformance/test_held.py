"""A suite that forgets descriptors breaks, and says what they are; ports cost it none."""

import gc
import os
from pathlib import Path

import pytest

from tests.conformance.harness import HarnessFailed, free_port, ports
from tests.conformance.harness.held import ROOM, Held, held


def test_a_leak_breaks_the_suite_and_is_told_once(tmp_path: Path) -> None:
    gc.collect()
    looking = Held(room=5)
    looking.look()
    opened = [os.open(tmp_path / f"log-{n}", os.O_CREAT | os.O_WRONLY) for n in range(6)]
    try:
        with pytest.raises(HarnessFailed, match=r"leaks descriptors, 6 more: .*6 /.*/log-N"):
            looking.look()
        looking.look()
    finally:
        for number in opened:
            os.close(number)
    looking.look()


def test_claimed_ports_cost_no_descriptors() -> None:
    free_port()
    before = len(held())
    ports = {free_port() for _ in range(ROOM)}
    assert len(ports) == ROOM
    assert len(held()) < before + 10


def test_a_claimed_port_is_not_given_to_another_process() -> None:
    """Its byte is locked for everybody else."""
    port = free_port()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if not ports._claim(port) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
