"""A mutation run over the protocol modules: every small change must make a unit test fail.

    python -m tests.mutants.mutation [MODULE...]      minutes; writes docs/results/mutation.json

What: each module of refuwsgi/protocol is changed in one place at a time (an operator, a constant, a
      condition, a statement that is left out), and its unit tests are run in a forked child in
      which the changed module stands in for the real one.  What no test notices survives; why that
      does no harm is told in mutation.toml, and tests see that nothing survives without a reason.
"""

import ast
import datetime
import json
import os
import platform
import signal
import sys
import time
import tomllib
import types
from typing import Any

from tests.mutants.changes import Change, changes
from tests.mutants.shelf import ROOT

MODULES = ("uwsgi", "http", "http_target", "http_chunks", "subscription", "signature")
RESULTS = ROOT / "docs" / "results" / "mutation.json"
REASONS = ROOT / "tests" / "mutants" / "mutation.toml"
PATIENCE = 60  # seconds for the tests of one change; an endless loop counts as noticed
HELPERS = 2  # children at once


def main(words: list[str]) -> int:
    """Run, print the survivors, and record them."""
    results: dict[str, Any] = recorded()
    for name in words or MODULES:
        began = time.monotonic()
        path = ROOT / "refuwsgi" / "protocol" / f"{name}.py"
        every = list(changes(path.read_text("utf-8")))
        if not survivors(name, [Change("", ast.parse(path.read_text("utf-8")))]):
            print(f"{name}: its tests fail as it is", file=sys.stderr)
            return 1
        left = survivors(name, every)
        for each in left:
            print(f"    {each.name}", flush=True)
        took = time.monotonic() - began
        print(f"{name}: {len(left)} of {len(every)} survive, {took:.0f} s", flush=True)
        results["modules"][name] = {"changes": len(every), "survivors": [e.name for e in left]}
    results["date"] = datetime.date.today().isoformat()
    results["python"] = platform.python_version()
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return 0


def recorded() -> dict[str, Any]:
    """What the last run has found."""
    if not RESULTS.exists():
        return {"modules": {}}
    return dict(json.loads(RESULTS.read_text("utf-8")))


def reasons() -> dict[str, dict[str, str]]:
    """Module -> survivor -> why no test can notice it."""
    return tomllib.loads(REASONS.read_text("utf-8"))


def survivors(name: str, every: list[Change]) -> list[Change]:
    """The changes of a module with which its tests pass."""
    # Forked by the main thread: in the fork of another one pytest does not run.
    running: dict[int, Change] = {}
    left = []
    for each in [*every, None]:
        while running and (each is None or len(running) == HELPERS):
            pid, status = os.wait()
            change = running.pop(pid)
            left += [] if status else [change]
        if each is not None:
            pid = os.fork()
            if not pid:
                _be_the_child(name, each)
            running[pid] = each
    return [each for each in every if each in left]


def _be_the_child(name: str, change: Change) -> None:
    status = 1
    try:
        signal.alarm(PATIENCE)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        status = _tests_of(name, change.tree)
    finally:
        os._exit(status)


def _tests_of(name: str, tree: ast.Module) -> int:
    import pytest

    whole = f"refuwsgi.protocol.{name}"
    module = types.ModuleType(whole)
    module.__file__ = str(ROOT / "refuwsgi" / "protocol" / f"{name}.py")
    sys.modules[whole] = module
    exec(compile(tree, module.__file__, "exec"), vars(module))
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "-n", "0"]
    words += ["-o", "filterwarnings=default"]
    return int(pytest.main([*words, str(ROOT / "tests" / "unit" / "protocol" / f"test_{name}.py")]))


def _warm() -> None:
    """Import what every child needs, so that none of them has to; few examples will do."""
    import hypothesis
    import pytest  # noqa: F401

    import refuwsgi.options  # noqa: F401

    few = hypothesis.settings(max_examples=20, deadline=None, database=None, derandomize=True)
    hypothesis.settings.register_profile("few", few)
    hypothesis.settings.load_profile("few")
    # The tests' own profile asks for more; a class that refuses to be changed is asked as a type.
    type.__setattr__(hypothesis.settings, "load_profile", staticmethod(lambda name: None))


if __name__ == "__main__":
    os.chdir(ROOT)
    _warm()
    sys.exit(main(sys.argv[1:]))
