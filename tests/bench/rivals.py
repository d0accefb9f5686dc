"""Who takes part: systems that take uWSGI's options, and peers with options of their own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench import systems
from tests.bench.stage import Stage

PY = sys.executable
# Written in Python, as refuwsgi is: those of which to be ahead.
PURE = ("wsgiref", "waitress", "gunicorn-sync", "gunicorn-gthread", "cheroot", "asyncio-relay")
NATIVE = ("nginx",)
MODULES = {"gunicorn-sync": "gunicorn", "gunicorn-gthread": "gunicorn"}


class System(NamedTuple):
    """One that takes part; `command` is empty for a peer."""

    name: str
    command: tuple[str, ...] = ()

    def with_options(self, *options: object) -> list[str]:
        """Its command line."""
        return [*self.command, *(str(option) for option in options)]


def here(name: str) -> bool:
    """Whether a peer is installed."""
    if name == "nginx":
        return shutil.which("nginx") is not None
    if name in ("wsgiref", "asyncio-relay"):
        return True
    return importlib.util.find_spec(MODULES.get(name, name)) is not None


def everybody(*, peers: bool) -> list[System]:
    """refuwsgi, C uWSGI if there is one, and the peers that are installed."""
    found = [System(name, tuple(command)) for name, command in systems.uwsgi_like().items()]
    return found + [System(name) for name in (*PURE, *NATIVE) if peers and here(name)]


def wsgi(name: str, module: str, port: int, threads: int = 1) -> list[str] | None:
    """How a peer serves an application over HTTP; None for one that does not."""
    if name == "wsgiref":
        return [PY, "wsgiref_.py", str(port), module]
    if name == "cheroot":
        return [PY, "cheroot_.py", str(port), module, str(threads)]
    if name == "waitress":
        options = [f"--listen=127.0.0.1:{port}", f"--threads={threads}", "--backlog=1024"]
        return [PY, "-m", "waitress", *options, f"{module}:application"]
    if name in ("gunicorn-sync", "gunicorn-gthread"):
        kind = ["-k", "sync"]
        if name.endswith("gthread"):
            kind = ["-k", "gthread", "--threads", str(max(2, threads))]
        options = ["-b", f"127.0.0.1:{port}", "-w", "1", "--log-level", "error", *kind]
        return [PY, "-m", "gunicorn", *options, "--backlog", "1024", f"{module}:application"]
    return None


def nginx(stage: Stage, body: str) -> list[str]:
    """An nginx with one worker."""
    prefix = stage.path(".nginx")
    prefix.mkdir()
    names = ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    temporary = " ".join(f"{name}_temp_path {prefix}/{name};" for name in names)
    # Its workers have to reach the sockets of the stage, which are ours alone.
    user = "user root; " if os.geteuid() == 0 else ""
    (prefix / "n.conf").write_text(
        f"{user}daemon off; worker_processes 1; pid {prefix}/pid; error_log {prefix}/error crit;\n"
        "events { worker_connections 8192; }\n"
        "http { access_log off; sendfile on; client_max_body_size 1g;\n"
        f"keepalive_requests 100000000; {temporary} {body} }}\n"
    )
    return ["nginx", "-p", str(prefix), "-c", str(Path(prefix) / "n.conf")]
