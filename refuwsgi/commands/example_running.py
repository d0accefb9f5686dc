"""An example that runs: its directory, its servers, its requests, and the tidying up.

Section: ground / the command; running an example
What: a `Running` makes the files, starts the servers, each in a process group of its own with its
      log in the directory, and takes everything away in the end.  A request is repeated until the
      answer is as expected: nodes need a moment to announce themselves.
Units: seconds.
Errors: `Failed`, with the end of a log.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final

from refuwsgi.commands.ask import NOTHING, ask, asked_of
from refuwsgi.commands.example_text import Example, Try
from refuwsgi.commands.the_ports import free_ports

LIMIT: Final = 30.0  # for a start, and for each request
STOP: Final = 10.0  # for an orderly end
PAUSE: Final = 0.05
TAIL: Final = 2000  # bytes of a log, characters of an answer
READY: Final = re.compile(
    r"^spawned uWSGI (worker|http|fastrouter) 1 |on demand.* instance detected", re.M
)

REFUWSGI: Final = (sys.executable, "-m", "refuwsgi")


class Failed(Exception):
    """Something did not go as the example says."""


class Running:
    """One example in its place; what runs there may be another program."""

    def __init__(
        self,
        example: Example,
        program: Sequence[str] = REFUWSGI,
        ready: re.Pattern[str] = READY,
    ) -> None:
        self.example = example
        self._program = program
        self._ready = ready
        self.directory = tempfile.mkdtemp(prefix="refuwsgi-")
        self._ports = dict(zip(("", *"123456789"), free_ports(10), strict=True))
        self.files = {name: self.placed(text) for name, text in example.files.items()}
        self.servers = {name: self.placed(words) for name, words in example.servers.items()}
        self.tries = [each._replace(line=self.placed(each.line)) for each in example.tries]
        self.watched = self.placed(example.watch)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()

    def placed(self, text: str) -> str:
        """Put the directory and the ports into a text."""
        text = re.sub(r"\bDIR\b", lambda _: self.directory, text)
        return re.sub(r"\bPORT([1-9]?)\b", lambda found: str(self._ports[found[1]]), text)

    def __enter__(self) -> "Running":
        for name, text in self.files.items():
            path = os.path.join(self.directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if name.endswith(".sh"):
                os.chmod(path, 0o755)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C must not leave half of it behind.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._over.set()
        try:
            self._stop()
            shutil.rmtree(self.directory, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, before)

    def start(self) -> None:
        """Start the servers and wait until each says that it serves."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the servers."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("UWSGI_")}
        for name, words in self.servers.items():
            with open(self._log(name), "wb") as log:
                self._processes[name] = subprocess.Popen(
                    [*self._program, *shlex.split(words)],
                    cwd=self.directory,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def wait(self) -> None:
        """Wait until each says that it serves."""
        end = time.monotonic() + LIMIT
        for name in self.servers:
            while not self._ready.search(self._text(f"{name}.log")):
                self._all_alive()
                if time.monotonic() > end:
                    raise Failed(f"{name} does not get ready:\n{self._tail(name)}")
                time.sleep(PAUSE)

    def watch(self) -> None:
        """Let it run; only an interruption or the end of a server ends this."""
        while True:
            self._all_alive()
            time.sleep(4 * PAUSE)

    def all_tries(self) -> Iterator[str]:
        """Make every request in order, and say what came of it."""
        behind = []
        for each in self.tries:
            if each.behind:
                found: list[str] = []
                task = threading.Thread(target=self._held, args=(each, found), daemon=True)
                task.start()
                behind.append((each, task, found))
            else:
                yield f"\n$ {each.line}\n{shortened(self._tried(each))}"
        self._over.set()
        for each, task, found in behind:
            task.join(2 * LIMIT)
            if not found:
                raise Failed(f"$ {each.line}\nno answer that has {each.expect!r} in it")
            yield f"\n$ {each.line} &\n{shortened(found[0])}"

    def _held(self, each: Try, found: list[str]) -> None:
        try:
            found.append(self._tried(each))
        except Failed:
            pass  # what is not found is said by whoever looks

    def _tried(self, each: Try) -> str:
        end = time.monotonic() + LIMIT
        while True:
            text = self._answer(each)
            if re.search(each.expect, text):
                return text
            self._all_alive()
            if time.monotonic() > end:
                raise Failed(f"$ {each.line}\n{shortened(text)}\nexpected: {each.expect}")
            time.sleep(PAUSE)

    def _answer(self, each: Try) -> str:
        words = shlex.split(each.line)
        if words[0] == "grep":
            lines = self._text(words[2]).splitlines()
            return "\n".join(line for line in lines if re.search(words[1], line))
        asked = asked_of(words[-1:] if words[0] == "curl" else words[2:])
        try:
            answer = ask(asked, lambda: self._over.wait(LIMIT) if each.behind else None)
        except OSError as problem:
            return str(problem.strerror or problem)
        text = answer.decode("utf-8", "replace").replace("\r\n", "\n") or NOTHING
        return text.partition("\n\n")[2] if words[:2] == ["curl", "-s"] else text

    def _all_alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise Failed(f"{name} has ended:\n{self._tail(name)}")

    def _log(self, name: str) -> str:
        return os.path.join(self.directory, f"{name}.log")

    def _text(self, name: str) -> str:
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def _tail(self, name: str) -> str:
        return self._text(f"{name}.log")[-TAIL:]

    def _stop(self) -> None:
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        end = time.monotonic() + STOP
        for process in self._processes.values():
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)  # whoever is left of its group
            except ProcessLookupError:
                pass
            process.wait()


def shortened(text: str) -> str:
    """As much of an answer as a reader wants to see."""
    text = text.rstrip("\n")
    return text if len(text) <= TAIL // 4 else f"{text[: TAIL // 4]}... ({len(text)} characters)"
