"""What the whole test suite shares: its options, and the distribution of modules over processes."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --record, and what says which conformance cases run and what is expected of them."""
    parser.addoption(
        "--record",
        metavar="FILE",
        help="write the results of the conformance suite, requirement by requirement, to FILE"
        " (the variable RECORD=1 does the same with docs/results/<binary>.json)",
    )
    more = ("a document, section, requirement or case; again for more", "the kinds up to this one")
    parser.addoption("--select", action="append", metavar="WORD", help=more[0])
    parser.addoption("--profile", choices=("required", "observed", "beyond"), help=more[1])
    parser.addoption("--xfail", metavar="FILE", help="the known differences; none: expect none")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the cases that share a server in one process; spread the others one by one."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped,unused-ignore]

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if _shares(config.rootpath / path) else nodeid

    return Scheduling(config, log)


@functools.cache
def _shares(path: Path) -> bool:
    """Whether the cases of a file share what is expensive to make."""
    each_alone = {"conformance", "mutants"} & set(path.parts)
    return not each_alone or "start_module" in path.read_text()


def _target(config: pytest.Config) -> Path | None:
    """The file that this run's results go to; None in a process that collects no reports."""
    given = config.getoption("record")
    if hasattr(config, "workerinput") or not (given or os.environ.get("RECORD")):
        return None
    if given:
        return Path(given)
    from tests.conformance.harness import binary

    return config.rootpath / "docs" / "results" / f"{binary.name()}.json"


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder where it is asked for."""
    if config.getoption("record") or os.environ.get("RECORD"):
        from tests.conformance.harness.results import Recorder

        config.pluginmanager.register(Recorder(), "recorder")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record."""
    recorder: Any = session.config.pluginmanager.get_plugin("recorder")
    target = _target(session.config)
    if recorder is not None and target is not None and recorder.record.cases:
        recorder.record.write(target, keep=not session.config.getoption("record"))
