"""The binary under test: how it is called, who it is, which options it knows."""

import functools
import os
import re
import shlex
import subprocess
import sys

from .errors import HarnessFailed


def command() -> list[str]:
    """The words that start the subject: $SUT, or refuwsgi of this Python."""
    text = os.environ.get("SUT", "")
    return shlex.split(text) if text else [sys.executable, "-m", "refuwsgi"]


def environment() -> dict[str, str]:
    """Our environment without what would configure the subject."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("UWSGI_", "PYTEST_"))}


def output_of(*arguments: str) -> str:
    """What the subject prints when called with these arguments, both streams."""
    try:
        done = subprocess.run(
            [*command(), *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessFailed(f"{command()}: {error}") from error
    return done.stdout.decode(errors="replace")


@functools.cache
def version() -> str:
    """The line that --version prints."""
    lines = [line.strip() for line in output_of("--version").splitlines() if line.strip()]
    return lines[-1] if lines else ""


@functools.cache
def is_refuwsgi() -> bool:
    """Whether the subject is refuwsgi, which makes more promises than uWSGI."""
    return version().startswith("refuwsgi") or os.path.basename(command()[-1]) == "refuwsgi"


@functools.cache
def name() -> str:
    """The name that results and known differences go by: refuwsgi, uwsgi-2.0.31, gunicorn-23.0."""
    if given := os.environ.get("SUT_NAME"):
        return given
    if is_refuwsgi():
        return "refuwsgi"
    found = re.search(r"(?:^([a-z][a-z-]*) )?v?(\d+(?:\.\d+)+\S*)", version())
    called = os.path.basename(command()[0])
    maker = (found and found[1]) or ("pyuwsgi" if called == "pyuwsgi" else "uwsgi")
    return f"{maker}-{found[2]}" if found else called


@functools.cache
def options() -> frozenset[str]:
    """The names of the options that --help lists, without dashes."""
    return frozenset(re.findall(r"--([a-z0-9][a-z0-9-]*)", output_of("--help")))
