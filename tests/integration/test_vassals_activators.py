"""The page about four activators, run as it stands: the first connection starts the vassal."""

import getpass
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docs._ext.source import ROOT
from tests.conformance.harness import Starter, alive, covers, eventually, free_port, get, listening

PAGE = ROOT / "docs" / "howto" / "activators"
APP = """
import os

open("started", "a").write("once\\n")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getppid()).encode()]
"""
TOOLS = Path(sys.executable).parent


def furnish(place: Path, port: int) -> None:
    """Write the files of the page, with paths and a port of this machine."""
    meant = {
        "/srv/app/.venv/bin": str(TOOLS),
        "/srv/app": str(place),
        "8000": str(port),
        "idle = 60": "idle = 1",
        "www-data": getpass.getuser(),
    }
    (place / "app.py").write_text(APP)
    for path in PAGE.iterdir():
        text = path.read_text()
        for theirs, ours in meant.items():
            text = text.replace(theirs, ours)
        (place / path.name).write_text(text)


@covers("OD-96", kind="beyond")
@pytest.mark.parametrize("name", ["emperor", "systemd-socket-activate", "xinetd", "circusd"])
def test_the_first_connection_starts_the_vassal(start: Starter, name: str) -> None:
    search = f"{TOOLS}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"
    if not shutil.which("refuwsgi" if name == "emperor" else name, path=search):
        pytest.skip(f"absent: {name} is not installed")
    place, port = start.directory(), free_port()
    furnish(place, port)
    with (place / "activator.log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", f"{place}/{name}.sh"],
            cwd=place,
            env={**os.environ, "PATH": search},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        eventually(lambda: listening(port), f"{name} listens")
        assert not (place / "started").exists()
        pids = [served_once(port)]
        if name != "systemd-socket-activate":  # which is no more once it has started something
            pids.append(served_once(port))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(set(pids)) == len(pids)
    assert (place / "started").read_text() == "once\n" * len(pids)


def served_once(port: int) -> int:
    """Make a request, and wait until the vassal has fallen asleep; its pid."""
    answer = get(f"127.0.0.1:{port}")
    assert answer.status == 200, answer
    pid = int(answer.text)
    eventually(lambda: not alive(pid), "the vassal falls asleep")
    return pid
