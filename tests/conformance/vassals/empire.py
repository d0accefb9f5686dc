"""An emperor as the subject of a case: its vassals, its stats, and clients for their sockets.

What: the directory of a case gets `app.py`, an application that tells about its process, and
      `vassals/`, which the emperor watches once a second; a WINCH makes it look at once.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.harness import Answer, Starter, Subject, ask, eventually, get, stats

APP = """
import json, os, time

time.sleep(float(os.environ.get("BOOT", "0")))
def application(environ, start_response):
    if environ["PATH_INFO"] == "/sleep":
        open(os.environ["CASE_DIR"] + "/sleeping", "a").close()
        time.sleep(float(environ["QUERY_STRING"]))
    if environ["PATH_INFO"] == "/crash":
        os.kill(os.getppid(), 9)
    told = {
        "worker": os.getpid(), "master": os.getppid(), "cwd": os.getcwd(), "uid": os.getuid(),
        "environ": dict(os.environ), "path": environ["PATH_INFO"],
    }
    with open(os.environ["CASE_DIR"] + "/handled", "a") as file:
        file.write(environ["PATH_INFO"] + "\\n")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]

if os.environ.get("BROKEN"):
    del application
"""
VASSAL = "[uwsgi]\nwsgi-file = {}/app.py\nprocesses = 1\nenv = MARK={}\n"


class Empire:
    """A running emperor and its directory."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.directory = subject.directory
        self._emperor = subject.pid

    @property
    def log(self) -> str:
        """What was logged so far."""
        return self.subject.log

    def path(self, name: str) -> str:
        """The absolute path of a file of the case."""
        return self.subject.path(name)

    def ini(self, *lines: str, mark: str = "one") -> str:
        """The config of a vassal, with more lines."""
        return VASSAL.format(self.directory, mark) + "".join(f"{line}\n" for line in lines)

    def put(self, name: str, *lines: str, mark: str = "one", folder: str = "vassals") -> Path:
        """Write the config of a vassal; a file that was there gets a later time."""
        path = self.directory / folder / name
        later = os.stat(path).st_mtime + 10 if path.exists() else None
        fresh = self.directory / f".{name}"
        fresh.write_text(self.ini(*lines, mark=mark))
        if later is not None:
            os.utime(fresh, (later, later))
        fresh.rename(path)  # at once, so that nobody sees half of it
        self.look()
        return path

    def remove(self, name: str) -> None:
        """Take the config of a vassal away."""
        (self.directory / "vassals" / name).unlink()
        self.look()

    def now_at(self, pid: int) -> None:
        """Take note of the emperor's process, which may be a child of a master."""
        self._emperor = pid

    def look(self) -> None:
        """Ask for a scan; before the emperor listens to signals this one means nothing."""
        os.kill(self._emperor, signal.SIGWINCH)

    def told(self) -> dict[str, Any]:
        """What the emperor's stats say."""
        told: dict[str, Any] = stats(self.path("stats.sock"))
        return told

    def row(self, name: str) -> dict[str, Any]:
        """The row of a vassal in the stats; empty if it is not there."""
        return next((row for row in self.told()["vassals"] if row["id"] == name), {})

    def pid(self, name: str) -> int:
        """The pid of a vassal; 0 if it has no process."""
        return max(0, int(self.row(name).get("pid", 0)))

    def waiting(self, name: str, limit: float = 25.0) -> None:
        """Wait until a vassal is known and has no process."""
        self._until(name, lambda row: row.get("pid") == -1, "is asleep", limit)

    def running(self, name: str, limit: float = 25.0) -> int:
        """Wait until a vassal has a process."""
        self._until(name, lambda row: row.get("pid", -1) > 0, "has a process", limit)
        return self.pid(name)

    def accepting(self, name: str) -> None:
        """Wait until a vassal has said that it accepts requests."""
        self._until(name, lambda row: bool(row.get("accepting")), "accepts requests", 25.0)

    def _until(
        self, name: str, holds: Callable[[dict[str, Any]], bool], what: str, limit: float
    ) -> None:
        eventually(lambda: holds(self.row(name)), f"{name} {what}", limit)

    def gone(self, name: str) -> None:
        """Wait until a vassal is not known any more."""
        eventually(lambda: not self.row(name), f"{name} is gone")

    def count(self, text: str) -> int:
        """How often a text stands in the log."""
        return self.log.count(text)

    def handled(self, path: str) -> int:
        """How many requests for this path an application has seen."""
        file = self.directory / "handled"
        return file.read_text().splitlines().count(path) if file.exists() else 0


def rule(
    start: Starter,
    *argv: str,
    emperor: tuple[str, ...] = ("DIR/vassals",),
    files: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
) -> Empire:
    """Start an emperor and wait until its stats answer."""
    every = {"app.py": APP, "vassals/readme": "no vassal\n", "sockets/readme": "", **(files or {})}
    words = [word for monitor in emperor for word in ("--emperor", monitor)]
    words += ["--emperor-freq", "1", "--emperor-stats", "DIR/stats.sock", *argv]
    subject = start("", *words, files=every, env=env, until=r"starting uWSGI Emperor")
    empire = Empire(subject)
    subject.wait_listening(empire.path("stats.sock"))
    empire.now_at(empire.told()["pid"])
    return empire


def told(answer: Answer) -> dict[str, Any]:
    """What the application tells in an answer."""
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def asked(address: str | int, path: str = "/") -> dict[str, Any]:
    """Ask a vassal by the uwsgi protocol."""
    return told(ask(address, path))


def got(address: str | int, path: str = "/") -> dict[str, Any]:
    """Ask a vassal by HTTP."""
    return told(get(address, path))


def added(empire: Empire, name: str, *lines: str, address: str = "", mark: str = "one") -> str:
    """Add a vassal on demand, by extension; wait until the emperor waits on its socket."""
    address = address or empire.path(f"{name}.sock")
    (empire.directory / "vassals" / f"{name}.ini.socket").write_text(f"{address}\n")
    empire.put(f"{name}.ini", *lines, mark=mark)
    empire.waiting(f"{name}.ini")
    return address


def plain(empire: Empire, name: str, *lines: str, mark: str = "one") -> str:
    """Add a plain vassal and wait until it accepts; the address that it declares."""
    address = empire.path(f"{name}.sock")
    empire.put(f"{name}.ini", f"socket = {address}", *lines, mark=mark)
    empire.running(f"{name}.ini")
    empire.accepting(f"{name}.ini")
    return address


def mark_of(address: str) -> str:
    """The mark of the config that answers; empty while none does."""
    try:
        answer = ask(address)
        return str(answer.json()["environ"]["MARK"]) if answer.status == 200 else ""
    except (OSError, ValueError):
        return ""


def held(empire: Empire, name: str) -> dict[str, Any]:
    """The entry of a vassal on the blacklist; empty if there is none."""
    return next((row for row in empire.told()["blacklist"] if row["id"] == name), {})
