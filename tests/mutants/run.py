"""Run cases of the suite on a mutant, in a process of their own."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.mutants import verdicts
from tests.mutants.shelf import HERE, ROOT, SUITE, Mutant

PLAIN = (
    *("-q", "--tb=no", "--no-header", "-p", "no:cacheprovider"),
    *("-p", "no:xdist", "-p", "no:cov", "-p", "no:hypothesispytest"),
)


def outcomes(
    mutant: Mutant, cases: Sequence[str], patience: float = 0.0, limit: float = 240.0
) -> tuple[dict[str, str], str]:
    """Case -> how it ended ("fails", "holds", ...), within the limit; and what the run printed."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="mutant-") as found:
        environ = {
            **_plain_environment(),
            "SUT": shlex.join([sys.executable, str(HERE), mutant.name]),
            verdicts.FILE: found.name,
            verdicts.PATIENCE: str(patience),
        }
        words = [sys.executable, "-m", "pytest", *PLAIN, "-p", "tests.mutants.verdicts"]
        printed = _ended([*words, *(SUITE + case for case in cases)], environ, limit)
        lines = [json.loads(line) for line in found]
    # The first word counts: what happens afterwards, in the teardown, is its consequence.
    first: dict[str, str] = {}
    for case, verdict in lines:
        first.setdefault(case.removeprefix(SUITE), verdict)
    return first, printed


def _ended(command: list[str], environ: dict[str, str], limit: float) -> str:
    """Run pytest to its end, or interrupt it so that it ends its servers; what it printed."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for signum, seconds in ((signal.SIGINT, limit), (signal.SIGKILL, 60.0)):
            try:
                return process.communicate(timeout=seconds)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                process.send_signal(signum)
        return process.communicate()[0].decode(errors="replace")


def start_of(mutant: Mutant) -> str:
    """What it prints when it starts: a version, or why it does not fit the server any more."""
    done = subprocess.run(
        [sys.executable, str(HERE), mutant.name, "--version"],
        env=_plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def _plain_environment() -> dict[str, str]:
    """Ours, without what belongs to the run outside: its options, its coverage, its records."""
    mine = ("COV", "PYTEST", "RECORD", "SUT", "UWSGI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}
