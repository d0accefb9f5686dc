"""Where a scenario plays: its files, its servers, its load.

The servers run on one core, the load and the stand-ins for nodes on another.  What is measured is
the processor time of a server's whole process tree, so a client that cannot keep up slows the
rate and not the figure.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import applications, cpu, systems, wire

SOURCE = Path(__file__).with_name("loadgen.c")
SERVER_CORE, CLIENT_CORE = 1, 0
LOOK = 0.001  # seconds between two looks, by which the time of a start is known
Figures = dict[str, float]


def until(check: Callable[[], bool], timeout: float) -> None:
    """Wait for something."""
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if check():
                return
        if time.monotonic() > end:
            raise RuntimeError(f"nothing within {timeout} s")
        time.sleep(LOOK)


def on_core(core: int) -> Callable[[], None]:
    """What a new process does first."""

    def pin() -> None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {core})

    return pin


class Server:
    """A running server."""

    def __init__(self, stage: Stage, command: list[str], core: int, env: dict[str, str]) -> None:
        self.log = stage.path(".log")
        self._began = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=stage.room,
                start_new_session=True,
                preexec_fn=on_core(core),
                env={**os.environ, "BENCH_ROOT": str(stage.room / "static"), **env},
            )
        self.pid = self._process.pid
        self.start_ms = 0.0

    def wait(self, ready: Callable[[], bool], timeout: float = 30) -> None:
        """Wait until it is of use."""

        def up() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"it ended at once: {self.log.read_text()[-500:]}")
            return ready()

        until(up, timeout)
        self.start_ms = (time.monotonic() - self._began) * 1000

    def cpu_us(self) -> float:
        """Processor time so far."""
        return cpu.used(self.pid) * 1e6

    def pss_kib(self) -> int:
        """Memory, what is shared counted in parts."""
        total = 0
        for pid in cpu.tree(self.pid):
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                found = re.search(r"^Pss:\s+(\d+)", text, re.M)
                total += int(found[1]) if found else 0
        return total

    def reload(self) -> None:
        """Ask its master for a graceful reload."""
        os.kill(self.pid, signal.SIGHUP)

    def stop(self) -> None:
        """End it with all that it has started."""
        pids = cpu.tree(self.pid)
        for number, patience in ((signal.SIGINT, 1.0), (signal.SIGKILL, 3.0)):
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
            pids = {pid for pid in pids if Path(f"/proc/{pid}").exists()}
        self._process.wait()


class Stage:
    """One scenario's room, for all systems that take part."""

    def __init__(self, room: Path, seconds: float, loadgen: Path) -> None:
        self.room = room
        self.seconds = seconds
        self.live: list[Server] = []
        self._loadgen = str(loadgen)
        self._files = 0

    def port(self) -> int:
        """A port that nobody uses."""
        return systems.free_port()

    def path(self, suffix: str) -> Path:
        """A name for a file that does not exist yet."""
        self._files += 1
        return self.room / f"f{self._files}{suffix}"

    def frames(self, requests: list[bytes]) -> Path:
        """A file of requests."""
        path = self.path(".frames")
        path.write_bytes(wire.frames(requests))
        return path

    def start(
        self,
        command: list[Any],
        ready: str = "",
        probe: bytes = b"",
        *,
        core: int = SERVER_CORE,
        env: dict[str, str] | None = None,
    ) -> Server:
        """Start a server, and wait until `ready` answers."""
        server = Server(self, [str(word) for word in command], core, env or {})
        self.live.append(server)
        if probe:
            server.wait(lambda: b" 200" in wire.ask(ready, probe, 5)[:20])
        elif ready:
            server.wait(lambda: wire.answers(ready))
        return server

    def nodes(self, addresses: list[str], size: int = 5, mode: str = "serve") -> None:
        """Start stand-ins that answer at once, on the client's core."""
        self.start([self._loadgen, mode, "-b", size, *addresses], core=CLIENT_CORE)
        until(lambda: all(wire.answers(each) for each in addresses), 5)

    def sink(self, address: str) -> Server:
        """Start a server in C that reads a request over HTTP and says hello, and nothing else."""
        command = [self._loadgen, "sink", "-b", 5, address]
        return self.start(command, address, wire.http())

    def load_process(self, address: str, frames: Path, *words: Any) -> subprocess.Popen[str]:
        """A load that runs beside others."""
        command = [self._loadgen, "load", "-a", address, "-f", frames, *words]
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=on_core(CLIENT_CORE),
        )

    def load(self, address: str, frames: Path, *words: Any) -> Figures:
        """A load from its beginning to its end."""
        with self.load_process(address, frames, *words) as process:
            text = process.communicate(timeout=120)[0]
        if process.returncode:
            raise RuntimeError("the load generator failed")
        found: Figures = json.loads(text)
        return found

    def cost(self, server: Server, address: str, frames: Path, *words: Any) -> Figures:
        """What a good request costs the server's tree."""
        self.load(address, frames, *words, "-d", 0.15)  # warms what is cold
        before = server.cpu_us()
        done = self.load(address, frames, *words, "-d", self.seconds)
        time.sleep(0.05)
        spent = server.cpu_us() - before
        count = max(1, done["requests"])
        figures = {name: done[name] for name in ("p50_us", "p99_us", "errors")}
        return {"cpu_us": spent / count, "req_rate": count / done["seconds"], **figures}

    def end(self, server: Server) -> None:
        """Stop a server before the others."""
        server.stop()
        self.live.remove(server)

    def close(self) -> None:
        """End every server."""
        while self.live:
            self.live.pop().stop()


@contextlib.contextmanager
def stage(seconds: float, loadgen: Path) -> Iterator[Stage]:
    """A furnished room for one scenario."""
    with tempfile.TemporaryDirectory(prefix="bench-") as room:
        applications.furnish(Path(room))
        made = Stage(Path(room), seconds, loadgen)
        try:
            yield made
        finally:
            made.close()


@contextlib.contextmanager
def load_generator() -> Iterator[Path]:
    """The load generator, compiled with the system's compiler."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise SystemExit("the bench needs a C compiler for its load generator")
    with tempfile.TemporaryDirectory(prefix="loadgen-") as room:
        made = Path(room) / "loadgen"
        subprocess.run([compiler, "-O2", "-o", made, SOURCE], check=True)
        yield made
