"""A mutation run over the protocol modules: every small change must make a unit test fail.

    python -m tests.mutants.mutation [MODULE...]      minutes; writes docs/results/mutation.json
    python -m tests.mutants.mutation --again [MODULE...]    only what has survived the last time

What: each module of refuwsgi/protocol is changed in one place at a time (an operator, a constant, a
      condition, a statement that is left out), and its own unit tests (test_MODULE*.py) are run in
      a forked child in which the changed module stands in for the real one.  What no test notices
      survives; why that does no harm is told in mutation.toml, and tests see that nothing survives
      without a reason.
      A run that notices everything or nothing would prove nothing: before the changes of a module
      count, its tests must pass as it is, and fail where a function of it returns nothing.
"""

import ast
import datetime
import gc
import json
import os
import platform
import signal
import sys
import time
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.mutants.changes import changes
from tests.mutants.shelf import ROOT

MODULES = (
    *("uwsgi", "uwsgi_alike", "http", "http_alike", "http_target", "http_chunks"),
    *("subscription", "subscription_alike", "signature"),
)
SOURCE = ROOT / "refuwsgi" / "protocol"
TESTS = ROOT / "tests" / "unit" / "protocol"
RESULTS = ROOT / "docs" / "results" / "mutation.json"
REASONS = ROOT / "tests" / "mutants" / "mutation.toml"
EXAMPLES = 40  # of hypothesis, always the same ones
PATIENCE = 2  # seconds of processor time for one change; an endless loop counts as noticed


def main(words: list[str]) -> int:
    """Run, print the survivors, and record them."""
    again = words[:1] == ["--again"]
    for name in words[again:] or MODULES:
        began = time.monotonic()
        text = source_of(name)
        if is_noticed(name, text) or not is_noticed(name, without_results(text)):
            print(f"{name}: its tests do not tell right from wrong", file=sys.stderr)
            return 1
        every = list(changes(text))
        # Tests that were added notice more, never less: what was noticed need not be tried again.
        once = recorded()["modules"][name]["survivors"] if again else [e.name for e in every]
        tried = [each for each in every if each.name in once]
        left = [each.name for each in tried if not is_noticed(name, each.text)]
        took = time.monotonic() - began
        print(f"{name}: {len(left)} of {len(every)} survive, {took:.0f} s")
        print(*(f"    {each}" for each in left), sep="\n", flush=True)
        record(name, {"changes": len(every), "survivors": left})
    return 0


def source_of(name: str) -> str:
    """The text of a module."""
    return (SOURCE / f"{name}.py").read_text("utf-8")


def record(name: str, found: dict[str, Any]) -> None:
    """Keep what was found about a module, beside what is known of the others."""
    results = recorded()
    modules = {**results["modules"], name: found}
    results["modules"] = {each: modules[each] for each in MODULES if each in modules}
    results["date"] = datetime.date.today().isoformat()
    results["python"] = platform.python_version()
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def recorded() -> dict[str, Any]:
    """What the last run has found."""
    return dict(json.loads(RESULTS.read_text("utf-8")))


def reasons() -> dict[str, dict[str, str]]:
    """Module -> survivor -> why no test can notice it."""
    return tomllib.loads(REASONS.read_text("utf-8"))


def without_results(text: str) -> str:
    """The module with functions that return nothing: what any test must notice."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Return):
            node.value = None
    return ast.unparse(tree)


def is_noticed(name: str, text: str) -> bool:
    """Whether a module's tests fail with that text of it."""
    # Forked by the main thread: in the fork of another one pytest does not run.
    pid = os.fork()
    if not pid:
        _be_the_child(name, text)
    return os.waitpid(pid, 0)[1] != 0


def _be_the_child(name: str, text: str) -> None:
    status = 1
    try:
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        _replace(name, text)
        status = 0 if _pass(tests_of(name)) else 1
    finally:
        os._exit(status)


def _replace(name: str, text: str) -> None:
    """Let a changed module stand in for the real one, and forget who has read the real one."""
    import refuwsgi.protocol

    for each in MODULES:
        sys.modules.pop(f"refuwsgi.protocol.{each}", None)
    whole = f"refuwsgi.protocol.{name}"
    module = types.ModuleType(whole)
    module.__file__ = str(SOURCE / f"{name}.py")
    sys.modules[whole] = module
    setattr(refuwsgi.protocol, name, module)
    exec(compile(text, module.__file__, "exec"), vars(module))


def _pass(paths: list[Path]) -> bool:
    """Run the tests of some files, in the session that has been prepared."""
    session = _prepared[0]
    session.config.args[:] = map(str, paths)
    try:
        session.perform_collect()
        session.config.hook.pytest_runtestloop(session=session)
    except (session.Failed, session.Interrupted):
        return False
    return session.testscollected > 0 and not session.testsfailed


def tests_of(name: str) -> list[Path]:
    """The files of tests that are about a module and about no other one."""
    others = [f"test_{other}" for other in MODULES if other.startswith(f"{name}_")]
    found = sorted(TESTS.glob(f"test_{name}*.py"))
    return [path for path in found if not path.stem.startswith(tuple(others))]


_prepared: list[Any] = []


class Prepared:
    """A plugin that runs `main` where pytest has everything ready, and would collect tests."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.status = 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Do the whole run; pytest itself has nothing left to do."""
        _prepared.append(session)
        _try_out_hypothesis()
        gc.collect()
        gc.freeze()
        self.status = main(self.words)
        return True


@settings(deadline=None, database=None)
@given(st.lists(st.binary()), st.dictionaries(st.text(), st.integers()), st.sampled_from("ab"))
def _try_out_hypothesis(one: object, two: object, three: object) -> None:
    """Let it load all that it loads only when it is used."""


def run(words: list[str]) -> int:
    """Prepare what every child needs, so that none of them has to; a few examples will do."""
    few = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
    )
    settings.register_profile("few", few)
    settings.load_profile("few")
    # The tests' own profile asks for more; a class that refuses to be changed is asked as a type.
    type.__setattr__(settings, "load_profile", staticmethod(lambda name: None))
    plugin = Prepared(words)
    options = ["-x", "-q", "-s", "--tb=no", "--assert=plain", "-o", "filterwarnings=default"]
    for each in ("cacheprovider", "cov", "xdist", "timeout", "faulthandler"):
        options += ["-p", f"no:{each}"]
    pytest.main([*options, str(TESTS)], plugins=[plugin])
    return plugin.status


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(run(sys.argv[1:]))
