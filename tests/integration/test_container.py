"""The files of the page about containers, run as process 1, on both binaries."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conformance.harness.ports import free_port
from tests.unit.eventually import until

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "container"
NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
BINARIES = {
    "refuwsgi": [sys.executable, "-m", "refuwsgi"],
    "uwsgi": [os.environ.get("ORIGINAL_UWSGI", "")],
}


def namespace() -> list[str]:
    """The words that make a process number 1; none where that is not allowed."""
    if shutil.which(NAMESPACE[0]) is None:
        return []
    trial = subprocess.run([*NAMESPACE, "true"], capture_output=True, timeout=30, check=False)
    return NAMESPACE if trial.returncode == 0 else []


@contextmanager
def container(
    binary: list[str], place: Path, app: str | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the page's command in the page's directory; the process and its port."""
    shutil.copytree(PAGE, place / "srv")
    if app is not None:
        (place / "srv" / "app.py").write_text(app)
    port = free_port()
    plain = {name: text for name, text in os.environ.items() if not name.startswith("UWSGI_")}
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(
            [*namespace(), *binary, "--ini", "app.ini"],
            cwd=place / "srv",
            env={**plain, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first(process: subprocess.Popen[bytes]) -> int:
    """The master as this namespace counts: the child of unshare, or the process itself."""
    pid = process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = file.read().split()
    with open(f"/proc/{pid}/comm") as file:
        return int(children[0]) if file.read().startswith("unshare") else pid


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return bool(answer.read().startswith(b"hello from"))
    except (OSError, urllib.error.URLError):
        return False


# Workers of uWSGI that are told to end just when they begin to serve never do, a race of its own.
TRIES = {"refuwsgi": (60,), "uwsgi": (8, 8, 8, 8, 60)}


@pytest.mark.parametrize("name", [name for name, words in BINARIES.items() if words[0]])
def test_what_docker_stop_sends_ends_process_1(name: str, tmp_path: Path) -> None:
    for number, patience in enumerate(TRIES[name]):
        place = tmp_path / str(number)
        place.mkdir()
        status, said = stopped(name, place, patience)
        if status is not None:
            break
    assert status == 0, said
    assert "goodbye to uWSGI" in said


def stopped(name: str, place: Path, patience: float) -> tuple[int | None, str]:
    """Start, stop as docker does; the status and the log."""
    with container(BINARIES[name], place) as (process, port):
        # One worker is held while another answers: both are there.
        until(lambda: answers(port))
        with socket.create_connection(("127.0.0.1", port), 20):
            until(lambda: answers(port))
        os.kill(first(process), signal.SIGTERM)
        status = None
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(patience)
    return status, (place / "log").read_text()


def test_an_application_that_does_not_load_ends_the_container(tmp_path: Path) -> None:
    with container(BINARIES["refuwsgi"], tmp_path, "import nothere\n") as (process, _):
        assert process.wait(60) == 22, (tmp_path / "log").read_text()


def test_the_dockerfile_copies_what_there_is() -> None:
    lines = (PAGE / "Dockerfile").read_text().splitlines()
    (copied,) = (line.split()[1:-1] for line in lines if line.startswith("COPY "))
    assert set(copied) == {path.name for path in PAGE.iterdir()} - {"Dockerfile"}
    (command,) = (line for line in lines if line.startswith("CMD "))
    assert command == 'CMD ["refuwsgi", "--ini", "app.ini"]'
