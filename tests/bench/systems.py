"""Who is measured: refuwsgi, the C uWSGI, and WSGI servers written in Python."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.load import Address, ask

HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
WSGIREF = """
import sys
from hello import application
from wsgiref.simple_server import WSGIRequestHandler, make_server

class Handler(WSGIRequestHandler):
    def log_message(self, *words):
        if sys.argv[2:] == ["log"]:
            super().log_message(*words)

make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Handler).serve_forever()
"""
CHEROOT = """
import sys
from cheroot.wsgi import Server
from hello import application

Server(("127.0.0.1", int(sys.argv[1])), application).start()
"""
Command = Callable[[int, bool], list[str]]  # port, log -> what to run


def original() -> str | None:
    """The C uWSGI: $UWSGI_C, or what CI has built, or the one of the system."""
    built = Path(__file__).parents[2] / ".cache" / "uwsgi-2.0.31" / "bin" / "uwsgi"
    return os.environ.get("UWSGI_C") or (str(built) if built.exists() else shutil.which("uwsgi"))


def uwsgi_like() -> dict[str, list[str]]:
    """Systems that take uWSGI's options."""
    found = {"refuwsgi": [sys.executable, "-m", "refuwsgi"]}
    if path := original():
        found["uwsgi"] = [path]
    return found


def peers() -> dict[str, Command]:
    """WSGI servers written in Python that are installed here."""
    py = sys.executable
    found: dict[str, Command] = {
        "wsgiref": lambda port, log: [py, "wsgiref_.py", str(port), *(["log"] if log else [])]
    }
    if importlib.util.find_spec("waitress"):
        found["waitress"] = lambda port, log: [
            *(py, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--threads=1"),
            "hello:application",
        ]
    if importlib.util.find_spec("gunicorn"):
        found["gunicorn"] = lambda port, log: [
            *(py, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--log-level", "error"),
            *(["--access-logfile", "-"] if log else []),
            "hello:application",
        ]
    if importlib.util.find_spec("cheroot"):
        found["cheroot"] = lambda port, log: [py, "cheroot_.py", str(port)]
    return found


def furnish(room: Path) -> None:
    """Write the applications and files that the servers use."""
    (room / "hello.py").write_text(HELLO)
    (room / "wsgiref_.py").write_text(WSGIREF)
    (room / "cheroot_.py").write_text(CHEROOT)
    static = room / "static"
    static.mkdir()
    (static / "small").write_bytes(b"x" * 1024)
    with (static / "large").open("wb") as file:
        file.truncate(64 << 20)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    with contextlib.ExitStack() as open_until_all_are_known:
        socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for sock in socks:
            open_until_all_are_known.enter_context(sock)
        return [int(sock.getsockname()[1]) for sock in socks]


def free_port() -> int:
    """A port that nobody uses now."""
    return free_ports(1)[0]


class Server:
    """A running server; a context manager."""

    def __init__(self, command: list[str], room: Path, probe: tuple[Address, bytes]) -> None:
        self._log = (room / "server.log").open("wb")
        self._room = room
        self._process = subprocess.Popen(
            command, cwd=room, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self.pid = self._process.pid
        self._probe = probe

    def __enter__(self) -> Server:
        """Wait until it answers."""
        end = time.monotonic() + 20
        buffer = bytearray(1 << 18)
        while time.monotonic() < end and self._process.poll() is None:
            try:
                ask(*self._probe, buffer)
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self.__exit__()
        log = (self._room / "server.log").read_text().split("\n")
        raise RuntimeError(f"no answer; the end of its log: {log[-3:]}")

    def __exit__(self, *_: object) -> None:
        """End it with all it has started."""
        for number, patience in ((signal.SIGINT, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)
                self._process.wait(patience)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self._log.close()
