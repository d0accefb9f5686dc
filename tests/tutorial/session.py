"""Runs a transcript: what a page of the tutorial shows is what happens.

    $ command          a line for the shell; `> ` goes on with it
    output             what it printed, as it was when the transcript was recorded
    # beyond: ...      as the first line: uWSGI cannot do this, only refuwsgi runs the step
    # needs: ...       programs without which the step is skipped

All commands go to one shell, in a copy of the step's directory.  What must differ from run to run
(pids, times, dates) is masked on both sides before they are compared.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

LIMIT = 30.0  # seconds for one command; a machine may be busy
BEYOND = "# beyond:"
NEEDS = "# needs:"
MASKS = [
    (re.compile(pattern), shown)
    for pattern, shown in (
        (r"\bpid:? \d+", "pid N"),
        (r"\bprocess \d+", "process N"),
        (r"\bfd \d+", "fd N"),
        (r"\{\d+ vars in \d+ bytes\}", "{V}"),
        (r"\b\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\b", "DATE"),
        (r"\b\d+ (msecs|micros|ms)\b", r"N \1"),
        (r"\b\d+ headers in \d+ bytes", "H"),
        (r"\b\d+ switches", "S switches"),
        (r"\s+$", ""),
    )
]


class Command(NamedTuple):
    """A command of a transcript and the lines that it printed."""

    text: str
    output: list[str]


class Transcript(NamedTuple):
    """A whole session.console."""

    notes: list[str]
    commands: list[Command]

    @property
    def beyond(self) -> bool:
        """Whether only refuwsgi can do this."""
        return bool(self.notes) and self.notes[0].startswith(BEYOND)

    @property
    def lacking(self) -> list[str]:
        """The programs that it needs and this machine does not have."""
        words = [note.removeprefix(NEEDS).split() for note in self.notes if note.startswith(NEEDS)]
        return [program for each in words for program in each if shutil.which(program) is None]

    def text(self) -> str:
        """The transcript as it stands in its file."""
        lines = list(self.notes)
        for command in self.commands:
            first, *more = command.text.split("\n")
            lines += [f"$ {first}", *(f"> {line}" for line in more), *command.output]
        return "\n".join(lines) + "\n"


def parse(text: str) -> Transcript:
    """Read a transcript."""
    notes: list[str] = []
    commands: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:], []))
        elif not commands:
            notes.append(line)
        elif line.startswith("> ") and not commands[-1].output:
            commands[-1] = Command(f"{commands[-1].text}\n{line[2:]}", [])
        else:
            commands[-1].output.append(line)
    return Transcript(notes, commands)


def masked(line: str) -> str:
    """A line without what must differ from run to run."""
    for pattern, shown in MASKS:
        line = pattern.sub(shown, line)
    return line


def subject() -> str:
    """The command that a transcript calls $UWSGI."""
    return os.environ.get("UWSGI") or f"{sys.executable} -m refuwsgi"


def replay(step: Path, transcript: Transcript, room: Path) -> Transcript:
    """Run the commands in a copy of `step` and return what really happened."""
    place = room / step.name
    shutil.copytree(step, place)
    done = []
    with Shell(place) as shell:
        for command in transcript.commands:
            try:
                done.append(Command(command.text, shell.run(command.text)))
            except TimeoutError as problem:
                raise TimeoutError(f"$ {command.text}\n{problem}\n{logs_of(place)}") from None
    return Transcript(transcript.notes, done)


def logs_of(place: Path) -> str:
    """The ends of the servers' logs, for whoever has to find out why a command did not end."""
    found = []
    for path in sorted(place.glob("*.log")):
        lines = path.read_text("utf-8", "replace").splitlines()
        found.append("\n".join([f"---- {path.name}", *lines[-15:]]))
    return "\n".join(found)


class Shell:
    """One shell for a whole transcript; everything it started dies with it."""

    def __init__(self, place: Path) -> None:
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, "UWSGI": subject(), "LC_ALL": "C.UTF-8", "PATH": tools}
        env |= {"PYTHONDONTWRITEBYTECODE": "1"}
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=place,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._count = 0
        self._rest = b""

    def __enter__(self) -> Shell:
        """Hand out the shell that has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the shell and all it started."""
        for number, patience in ((signal.SIGINT, 5.0), (signal.SIGKILL, 5.0)):
            if not self._signal(number, patience):
                break
        self._shell.kill()
        self._shell.wait()
        for pipe in (self._shell.stdin, self._shell.stdout):
            if pipe:
                pipe.close()

    def run(self, command: str) -> list[str]:
        """Run one command to its end and return its lines."""
        self._count += 1
        mark = f"--end-{self._count}-{os.getpid()}--"
        assert self._shell.stdin
        self._shell.stdin.write(f"{command}\necho {mark}\n".encode())
        self._shell.stdin.flush()
        text = self._until(f"{mark}\n".encode()).decode("utf-8", "replace")
        return text.replace("\r", "").splitlines()

    def _until(self, mark: bytes) -> bytes:
        assert self._shell.stdout
        for piece in pieces(self._shell.stdout, time.monotonic() + LIMIT):
            self._rest += piece
            if mark in self._rest:
                found, _, self._rest = self._rest.partition(mark)
                return found
        raise TimeoutError(f"no end of the command within {LIMIT} s; so far: {self._rest!r}")

    def _signal(self, number: int, patience: float) -> bool:
        """Signal everybody; say whether somebody is still there afterwards."""
        end = time.monotonic() + patience
        try:
            os.killpg(self._shell.pid, number)
            if number == signal.SIGINT:
                self._shell.kill()  # a shell without a terminal does not end from SIGINT
            while time.monotonic() < end:
                self._shell.poll()
                os.killpg(self._shell.pid, 0)
                if all_ended(self._shell.pid):
                    return False
                time.sleep(0.05)
        except ProcessLookupError:
            return False
        return True


def all_ended(group: int) -> bool:
    """Whether of a group of processes only those are left that init has not buried yet."""
    if not Path("/proc/self/stat").exists():
        return False  # nobody knows
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text("latin-1").rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has gone meanwhile
        if int(its_group) == group and state not in "ZX":
            return False
    return True


def pieces(pipe: IO[bytes], end: float) -> Iterator[bytes]:
    """What can be read from `pipe` until it ends or the time is up."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if selector.select(left):
                piece = os.read(pipe.fileno(), 65536)
                if not piece:
                    return
                yield piece
