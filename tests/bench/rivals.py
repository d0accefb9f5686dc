"""Who takes part: systems that take uWSGI's options, and peers with options of their own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench import systems
from tests.bench.stage import Stage

PY = sys.executable
# Written in Python, as refuwsgi is: those of which to be ahead.
PURE = (
    *("wsgiref", "waitress", "gunicorn-sync", "gunicorn-gthread", "cheroot"),
    *("asyncio-relay", "proxy.py"),
)
EARLIER = "earlier"  # a system that is an earlier refuwsgi
NATIVE = ("nginx",)
MODULES = {"gunicorn-sync": "gunicorn", "gunicorn-gthread": "gunicorn", "proxy.py": "proxy"}


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


def dated(python: str) -> str:
    """The day, and the commit, of the refuwsgi that an interpreter has, if a repository tells."""
    where = subprocess.run(
        [python, "-c", "import refuwsgi; print(refuwsgi.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    ).stdout.strip()
    shape = ["--date=format:%Y-%m-%d %H:%M", "--format=%ad, commit %h"]
    told = subprocess.run(
        ["git", "-C", where, "log", "-1", *shape], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "an unknown date"


def everybody(*, peers: bool, earlier: str = "") -> list[System]:
    """refuwsgi, C uWSGI if there is one, and the peers that are installed.

    `earlier` is an interpreter that has an earlier refuwsgi, which then takes part, too.
    """
    found = [System(name, tuple(command)) for name, command in systems.uwsgi_like().items()]
    if earlier:
        found.insert(1, System(EARLIER, (earlier, "-m", "refuwsgi")))
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
        more = ["--threads", str(max(2, threads))] if name.endswith("gthread") else []
        return gunicorn(name, module, f"127.0.0.1:{port}", *more)
    return None


def gunicorn_uwsgi(name: str, module: str, path: str) -> list[str] | None:
    """How a peer serves an application over uwsgi on a UNIX socket; None for one that does not."""
    if not name.startswith("gunicorn-"):
        return None
    more = ["--threads", "4", "--keep-alive", "0"] if name.endswith("gthread") else []
    return gunicorn(name, module, f"unix:{path}", "--protocol", "uwsgi", *more)


def gunicorn(name: str, module: str, bind: str, *more: str) -> list[str]:
    """A gunicorn with one worker of the kind that its name tells."""
    options = ["-b", bind, "-w", "1", "-k", name.partition("-")[2], *more]
    quiet = ["--log-level", "error", "--backlog", "1024"]
    return [PY, "-m", "gunicorn", *options, *quiet, f"{module}:application"]


def proxy_py(stage: Stage, port: int, node: str) -> tuple[list[str], dict[str, str]]:
    """A reverse proxy written in Python, in front of one HTTP server; its environment."""
    plugin = stage.path("_plugin.py")
    plugin.write_text(
        "from proxy.http.server import ReverseProxyBasePlugin\n"
        "class Only(ReverseProxyBasePlugin):\n"
        f"    def routes(self): return [(r'/.*', [b'http://{node}/'])]\n"
    )
    one = ["--num-workers", "1", "--num-acceptors", "1", "--enable-reverse-proxy"]
    where = ["--hostname", node.partition(":")[0], "--port", str(port), "--backlog", "1024"]
    words = [*where, *one, "--plugins", f"{plugin.stem}.Only", "--log-level", "ERROR"]
    return [PY, "-m", "proxy", *words], {"PYTHONPATH": str(plugin.parent)}


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
