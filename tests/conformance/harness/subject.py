"""The subject of a case: a server in a directory of its own, watched from outside.

What: `Starter` writes the files, claims the ports, starts the binary and, at the end of the case,
      ends it and looks at what it left: processes, socket files, tracebacks.
      In a configuration PORT, PORT1 ... PORT9 stand for free ports, DIR for the directory.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from . import binary, probe, proc
from .errors import Late, SetupFailed
from .ports import free_port

APPS = Path(__file__).parent.parent / "apps"
WORKER = r"spawned uWSGI worker 1 \("
"""The line after which the first worker exists."""

LIVE: "list[Subject]" = []
"""The subjects that run now: what a failure report shows."""


class Finished(NamedTuple):
    """A run that ended by itself."""

    code: int
    log: str


class Subject:
    """A running server; `log`, `wait_for`, `signal` and `stop` are what cases need of it."""

    def __init__(self, directory: Path, argv: list[str], env: Mapping[str, str]) -> None:
        self.directory = directory
        self.argv = argv
        self.ports: dict[str, int] = {}
        self.tracebacks = False
        self.mark = f"CONFORMANCE_CASE={uuid.uuid4().hex}"
        name, _, value = self.mark.partition("=")
        self.log_path = directory / "subject.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                argv,
                cwd=directory,
                env={**binary.environment(), "CASE_DIR": str(directory), **env, name: value},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        LIVE.append(self)

    @property
    def pid(self) -> int:
        """The pid of the process that was started: the master, if there is one."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port that PORT stands for."""
        return self.ports["PORT"]

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        return self.log_path.read_text("latin-1")

    def wait_for(self, pattern: str, limit: float = proc.LIMIT, since: int = 0) -> re.Match[str]:
        """Wait until a line of the log (from character `since` on) matches."""
        return proc.eventually(
            lambda: re.compile(pattern, re.M).search(self.log, since), f"log: {pattern}", limit
        )

    def wait_listening(self, *addresses: str | int) -> None:
        """Wait until all the addresses are listened on."""
        for address in addresses:
            state = partial(self._state, address)
            if proc.eventually(state, f"{address} is listened on", proc.STARTING) == "gone":
                raise SetupFailed(f"the subject ended with {self.process.returncode}")

    def _state(self, address: str | int) -> str:
        if proc.listening(address):
            return "listening"
        return "gone" if self._gone() else ""

    def _gone(self) -> bool:
        return self.process.poll() is not None

    def workers(self) -> dict[int, int]:
        """Worker number -> pid, the last that the log says of each."""
        found = re.findall(r"(?i)spawned uWSGI worker (\d+) \(.*?pid: (\d+)", self.log)
        return {int(number): int(pid) for number, pid in found}

    def worker(self, number: int = 1) -> int:
        """The pid of a worker, waiting for the line that tells it."""
        return proc.eventually(lambda: self.workers().get(number, 0), f"worker {number}")

    def signal(self, sig: int) -> None:
        """Send a signal to the first process."""
        self.process.send_signal(sig)

    def ended(self, limit: float = proc.LIMIT) -> int:
        """Wait until the first process has ended; its exit code."""
        try:
            return self.process.wait(proc.allowed(limit))
        except subprocess.TimeoutExpired:
            raise Late(f"the subject did not end within {limit:g} s") from None

    def stop(self) -> int:
        """Stop with SIGINT and return the exit code."""
        self.signal(signal.SIGINT)
        return self.ended()

    def family(self) -> list[int]:
        """All living processes that came of this subject, wherever they moved."""
        return proc.marked(self.mark, self.pid)

    def kill(self) -> None:
        """Kill everything that came of this subject."""
        for _ in range(50):
            proc.kill(family := self.family())
            if not family:
                break
        self.process.kill()
        self.process.wait()

    def inside(self, name: str) -> list[tuple[int, int]]:
        """The (pid, thread) of every request that has come to /hold/NAME of the shared app."""
        marks = [path.name.split(".") for path in self.directory.glob(f"{name}.*.in")]
        return [(int(parts[-4]), int(parts[-3])) for parts in marks]

    def wait_inside(self, name: str, count: int = 1) -> list[tuple[int, int]]:
        """Wait until so many requests are in /hold/NAME."""
        proc.eventually(lambda: len(self.inside(name)) >= count, f"{count} requests in {name}")
        return self.inside(name)

    def let_go(self, name: str) -> None:
        """Let the requests in /hold/NAME answer."""
        (self.directory / f"{name}.go").touch()

    def path(self, name: str) -> str:
        """The absolute path of a file of the case."""
        return str(self.directory / name)

    def report(self) -> str:
        """What a reader of a failure wants: how it was called, and the end of the log."""
        files = "".join(
            f"--- {path.name}\n{path.read_text('latin-1')}" for path in self.directory.glob("*.ini")
        )
        tail = "\n".join(self.log.splitlines()[-60:])
        return f"$ cd {self.directory}; {' '.join(self.argv)}\n{files}--- log\n{tail}"

    def close(self) -> list[str]:
        """End the subject and say what it left behind (only refuwsgi is asked to leave nothing)."""
        faults = self._end_politely() if binary.is_refuwsgi() else []
        self.kill()
        LIVE.remove(self)
        return faults

    def _end_politely(self) -> list[str]:
        faults = []
        if not self._gone():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGINT)
            try:
                self.process.wait(60)  # many processes on a busy machine
            except subprocess.TimeoutExpired:
                faults.append("still alive long after SIGINT")
        if not faults:
            try:
                proc.eventually(lambda: not self.family(), limit=30)
            except Late:
                faults.append(f"processes left: {[proc.title(p) for p in self.family()]}")
        if not self.tracebacks and "Traceback (most recent call last)" in self.log:
            faults.append("a traceback in the log")
        if any("vacuum" in path.read_text("latin-1") for path in self.directory.glob("*.ini")):
            faults += [f"socket left: {p.name}" for p in self.directory.iterdir() if p.is_socket()]
        return faults


class Starter:
    """Starts subjects and, when it is closed, ends and inspects all of them."""

    def __init__(self) -> None:
        self.subjects: list[Subject] = []
        self.directories: list[Path] = []

    def directory(self, files: Mapping[str, str | bytes] | None = None) -> Path:
        """Make a directory for a case, with the shared applications and these files in it."""
        made = Path(tempfile.mkdtemp(prefix="rc-", dir="/tmp")).resolve()
        self.directories.append(made)
        made.chmod(0o755)
        for app in APPS.glob("*.py"):
            shutil.copy(app, made)
        for name, content in (files or {}).items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return made

    def launch(
        self,
        ini: str = "",
        *argv: str,
        files: Mapping[str, str | bytes] | None = None,
        env: Mapping[str, str] | None = None,
        tracebacks: bool = False,
        directory: Path | None = None,
    ) -> Subject:
        """Start the binary on an ini text and on words of a command line; wait for nothing."""
        probe.need(ini, argv)
        place = directory or self.directory(files)
        ports: dict[str, int] = {}
        words = [_filled(word, place, ports) for word in argv]
        if ini:
            text = textwrap.dedent(ini).strip() + "\n"
            text = text if text.startswith("[") else "[uwsgi]\n" + text
            (place / "uwsgi.ini").write_text(_filled(text, place, ports), "latin-1")
            words = ["--ini", "uwsgi.ini", *words]
        filled = {k: _filled(v, place, ports) for k, v in (env or {}).items()}
        subject = Subject(place, [*binary.command(), *words], filled)
        subject.ports = ports
        subject.tracebacks = tracebacks
        self.subjects.append(subject)
        return subject

    def __call__(
        self,
        ini: str = "",
        *argv: str,
        files: Mapping[str, str | bytes] | None = None,
        env: Mapping[str, str] | None = None,
        tracebacks: bool = False,
        until: str = "",
        ready: Iterable[str] | None = None,
    ) -> Subject:
        """Start the binary and wait until its ports (or `ready`) listen and a line matches."""
        subject = self.launch(ini, *argv, files=files, env=env, tracebacks=tracebacks)
        addresses = subject.ports.values() if ready is None else ready
        try:
            subject.wait_listening(*(_filled(str(a), subject.directory, {}) for a in addresses))
            if until:
                subject.wait_for(until, limit=proc.STARTING)
        except Late as late:
            raise SetupFailed(str(late)) from late
        return subject

    def run(
        self,
        ini: str = "",
        *argv: str,
        files: Mapping[str, str | bytes] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Finished:
        """Start the binary where it is expected to end by itself; exit code and output."""
        subject = self.launch(ini, *argv, files=files, env=env)
        code = subject.ended()
        return Finished(code, subject.log)

    def close(self) -> None:
        """End all subjects, remove their directories, fail if something was left behind."""
        faults = [fault for subject in self.subjects for fault in subject.close()]
        logs = [subject.report() for subject in self.subjects] if faults else []
        for directory in self.directories:
            shutil.rmtree(directory, ignore_errors=True)
        if faults:
            raise AssertionError("left behind: " + "; ".join(faults) + "\n" + "\n".join(logs))


def _filled(text: str, place: Path, ports: dict[str, int]) -> str:
    def port(match: re.Match[str]) -> str:
        if match.group() not in ports:
            ports[match.group()] = free_port()
        return str(ports[match.group()])

    return re.sub(r"\bDIR/", f"{place}/", re.sub(r"\bPORT\d?\b", port, text))


def host_name() -> str:
    """The machine's name, which servers report as theirs."""
    return socket.gethostname()


def touch(path: str) -> None:
    """Give a file a modification time that is surely another one."""
    now = os.stat(path).st_mtime if os.path.exists(path) else 0.0
    with open(path, "ab"):
        pass
    os.utime(path, (now + 10, now + 10) if now else None)
